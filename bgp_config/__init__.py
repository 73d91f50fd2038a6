"""What the configuration objects mean: AddressPool, BGPPeer, BGPAdvertisement and Community of herald-lb.io/v1alpha1.

Pure, and imports no other package of Herald. For the others:

- `store.ConfigStore`: `upsert(kind, name, created, generation, spec)`, `remove(kind, name)`; `config` is the `config.Config`
  of all objects together and stays the same object while the meaning does; `verdicts` maps `kind.ConfigKey` (kind, name)
  to a `verdict.Verdict`: problems, warnings, pending references, and which form is in force.
- `parse.parse(kind, name, spec)`: one object by itself, `Accepted(meaning, warnings)` or `Refused(problems, warnings)`.
- `problem.Problem`: path, message and hint; `str()` of it is a line for people.
- `config.Config`: pools, peers and advertisements by name, `pool_of(address)`.
- `parser_only.ParserOnly`: the rules that no API server checks. All others are in the CustomResourceDefinitions too,
  which `crd` emits from the models in `spec` and `status` (deploy/crds holds them).
- `status`: what the programs write into the `status` of these kinds and of BGPNode and BGPSession.
"""
