"""The example for Argo CD is right, and its waves bring things in an order in which each finds what it refers to."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from bgp_config.crd.kinds import DEFINITIONS
from bgp_config.kind import ConfigKind
from bgp_config.parse import UnknownFields
from bgp_config.store import ConfigStore
from bgp_config.verdict import InForce
from herald.lab.manifests import Manifest

ARGOCD = Path(__file__).parents[3] / "deploy" / "argocd"
WAVE = "argocd.argoproj.io/sync-wave"


def objects(path: Path) -> Iterator[Manifest]:
    for file in sorted(path.rglob("*.yaml")) if path.is_dir() else [path]:
        yield from yaml.safe_load_all(file.read_text())


def wave(manifest: Manifest) -> int:
    return int(manifest["metadata"]["annotations"][WAVE])


def test_from_wave_to_wave_every_object_is_in_force_without_a_word_against_it() -> None:
    store = ConfigStore(UnknownFields.ERROR)
    fabric = sorted(objects(ARGOCD / "fabric"), key=wave)
    # A Drain is made by `herald drain`, for as long as somebody works on a node.
    assert {manifest["kind"] for manifest in fabric} == set(ConfigKind) - {ConfigKind.DRAIN}
    for manifest in fabric:
        store.upsert(ConfigKind(manifest["kind"]), manifest["metadata"]["name"], None, 1, manifest["spec"])
        for key, verdict in store.verdicts.items():
            assert verdict.in_force is InForce.CURRENT, key
            assert (verdict.problems, verdict.warnings, verdict.pending) == ((), (), ()), key


def test_definitions_come_before_herald_and_herald_before_the_fabric() -> None:
    applications = sorted(objects(ARGOCD / "applications.yaml"), key=wave)
    assert [each["metadata"]["name"] for each in applications] == ["herald-crds", "herald", "fabric"]
    assert len({wave(each) for each in applications}) == 3
    for path in (each["spec"]["source"]["path"] for each in applications):
        assert (ARGOCD / path if path == "fabric" else ARGOCD.parents[1] / path).is_dir()


def test_speakers_may_read_the_passwords_of_the_fabrics_peers() -> None:
    herald = next(each for each in objects(ARGOCD / "applications.yaml") if each["metadata"]["name"] == "herald")
    readable = {
        (namespace, name)
        for namespace, names in herald["spec"]["source"]["helm"]["valuesObject"]["passwordSecrets"].items()
        for name in names
    }
    peers = [each["spec"]["passwordSecret"] for each in objects(ARGOCD / "fabric") if each["kind"] == "BGPPeer"]
    assert {(secret["namespace"], secret["name"]) for secret in peers} == readable


def test_every_kind_has_a_health() -> None:
    (config_map,) = objects(ARGOCD / "argocd-cm.yaml")
    kinds = {key.removeprefix("resource.customizations.health.herald-lb.io_") for key in config_map["data"]}
    assert kinds == {definition.kind for definition in DEFINITIONS}
