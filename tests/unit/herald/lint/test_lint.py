"""What is found in manifests, and where."""

from textwrap import dedent

import pytest

from herald.lint.check import check
from herald.lint.finding import Finding, Severity
from herald.lint.read import LocatedObject, read

POOL = """\
apiVersion: herald-lb.io/v1alpha1
kind: AddressPool
metadata:
  name: default
spec:
  blocks:
    - cidr: 192.0.2.0/24
"""


def lint(**files: str) -> list[Finding]:
    """Of the files with these names and texts."""
    readings = [each for name, text in files.items() for each in read(f"{name}.yaml", dedent(text).encode())]
    objects = [each for each in readings if isinstance(each, LocatedObject)]
    return [*(each for each in readings if isinstance(each, Finding)), *check(objects)]


def said(**files: str) -> list[str]:
    """Place, path and message of what is found."""
    return [f"{f.file}:{f.line}: {f.path}: {f.message}" for f in lint(**files)]


def advertisement(spec: str) -> str:
    return f"apiVersion: herald-lb.io/v1alpha1\nkind: BGPAdvertisement\nmetadata: {{name: all}}\nspec: {spec}\n"


def test_nothing_is_said_of_manifests_that_are_right() -> None:
    assert lint(pool=POOL, advertisement=advertisement("{pools: [default]}")) == []


def test_every_problem_of_a_document_is_named_with_its_own_line() -> None:
    text = """\
        # All that can be announced.
        apiVersion: herald-lb.io/v1alpha1
        kind: AddressPool
        metadata:
          name: default
        spec:
          blocks:
            - cidr: 192.0.2.1/24
            - start: 192.0.3.1
              stop: nowhere
          autoAsign: true
        """
    found = lint(pool=text)
    assert [(f.line, f.path) for f in found] == [
        (8, "spec.blocks[0].cidr"),
        (10, "spec.blocks[1].stop"),
        (11, "spec.autoAsign"),
    ]
    assert {(f.file, f.document, f.object, f.severity) for f in found} == {
        ("pool.yaml", 1, "AddressPool/default", Severity.ERROR)
    }
    assert found[-1].hint == "Did you mean autoAssign?"


def test_lines_count_from_the_start_of_the_file_and_documents_from_1() -> None:
    (found,) = lint(all="\n---\n" + POOL + "--- # another\n" + POOL.replace("/24", "/33").replace("default", "other"))
    assert (found.document, found.line, found.path) == (2, 17, "spec.blocks[0].cidr")


def test_what_is_missing_is_at_the_line_of_what_it_is_missing_from() -> None:
    peer = (
        "apiVersion: herald-lb.io/v1alpha1\nkind: BGPPeer\nmetadata: {name: tor1}\nspec:\n  localASN: 64512\n  peerASN: 1\n"
    )
    assert said(peer=peer) == ["peer.yaml:4: spec.peerAddress: is required"]


def test_items_of_a_list_are_objects_of_their_own() -> None:
    text = """\
        apiVersion: v1
        kind: List
        items:
        - {apiVersion: v1, kind: Service, metadata: {name: web}}
        - apiVersion: herald-lb.io/v1alpha1
          kind: Community
          metadata: {name: a}
          spec:
            value: 65000:65536
        """
    assert said(all=text) == ['all.yaml:9: spec.value: "65000:65536" has a number that is too large']


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: apps/v1\nkind: Deployment\nspec: 7\n",
        "apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {name: tor1}\n",
        "replicas: 3\n",
        "- a\n- b\n",
        "7\n",
        "",
    ],
)
def test_kinds_of_others_and_other_files_are_passed_over(text: str) -> None:
    assert lint(other=text) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("AddressPool", "AdressPool", "pool.yaml:2: kind: there is no kind AdressPool that people write"),
        ("v1alpha1", "v1", "pool.yaml:1: apiVersion: there is no herald-lb.io/v1"),
        ("apiVersion: herald-lb.io/v1alpha1\n", "", "pool.yaml:1: apiVersion: apiVersion is missing"),
        ("kind: AddressPool\n", "", "pool.yaml:1: kind: kind is missing"),
        ("name: default", "name: Default", "pool.yaml:4: metadata.name: metadata.name of a AddressPool is 'Default'"),
        ("spec:", "specs:", "pool.yaml:5: specs: there is no such field"),
        (
            "  name: default",
            "  name: default\n  labels: {tier: 1}",
            "pool.yaml:5: metadata.labels.tier: AddressPool default: metadata.labels: the value of tier is a number",
        ),
    ],
)
def test_what_is_wrong_around_the_spec_is_named(before: str, after: str, expected: str) -> None:
    assert said(pool=POOL.replace(before, after))[0].startswith(expected)


@pytest.mark.parametrize("spec", ["", "[]", "null"])
def test_an_empty_spec_is_an_error_since_it_would_announce_everything(spec: str) -> None:
    assert said(adv=advertisement(spec))[0].startswith("adv.yaml:4: spec: ")
    assert said(adv=advertisement("{}")) == []


def test_a_document_that_does_not_parse_is_named_and_the_others_are_read() -> None:
    found = lint(all="a: 1\nb: [1,\n---\n" + POOL.replace("/24", "/33"))
    assert [(f.document, f.path) for f in found] == [(1, ""), (2, "spec.blocks[0].cidr")]
    assert found[0].message.startswith("not valid YAML")
    assert found[0].line is not None


def test_a_file_that_is_no_text_is_named() -> None:
    (found,) = read("x.yaml", b"\xff\xfe\x00")
    assert isinstance(found, Finding)
    assert found.message == "not UTF-8 text"


def test_json_is_read_by_its_own_rules_and_has_lines_too() -> None:
    text = (
        '{"apiVersion": "herald-lb.io/v1alpha1", "kind": "Community",\n\t"metadata": {"name": "a"},\n"spec": {\n"value": 7}}'
    )
    (found,) = (each for each in check([o for o in read("a.json", text.encode()) if isinstance(o, LocatedObject)]))
    assert (found.line, found.path) == (4, "spec.value")


def test_the_same_object_twice_is_named_with_the_place_of_the_first() -> None:
    assert said(a=POOL, b="---\n" + POOL) == ["b.yaml:5: metadata.name: AddressPool/default is defined already, at a.yaml:1"]


def test_pools_that_overlap_are_named() -> None:
    found = said(a=POOL, b=POOL.replace("default", "other").replace("/24", "/25"))
    assert len(found) == 1
    assert found[0].startswith("b.yaml:7: spec.blocks[0]: 192.0.2.0-192.0.2.127 overlaps AddressPool default")


def test_the_same_session_twice_is_named() -> None:
    peer = (
        "apiVersion: herald-lb.io/v1alpha1\nkind: BGPPeer\nmetadata: {name: NAME}\n"
        "spec: {localASN: 1, peerASN: 2, peerAddress: 192.0.2.1}\n"
    )
    (found,) = said(a=peer.replace("NAME", "a"), b=peer.replace("NAME", "b"))
    assert found.startswith("b.yaml:4: spec.peerAddress: BGPPeer a")
    assert "is the same session" in found


def test_a_reference_to_nothing_is_a_warning_at_the_name() -> None:
    spec = "\n  pools:\n    - default\n    - other\n  peers: [tor1]\n  communities: [mine, no-export]"
    found = lint(pool=POOL, adv=advertisement(spec))
    assert [(f.line, f.path, f.severity) for f in found] == [
        (7, "spec.pools[1]", Severity.WARNING),
        (8, "spec.peers[0]", Severity.WARNING),
        (9, "spec.communities[0]", Severity.WARNING),
    ]
    assert found[0].message == "AddressPool/other is not among these files"


def test_a_reference_to_an_object_that_is_refused_is_no_problem_of_its_own() -> None:
    found = lint(pool=POOL.replace("/24", "/33"), adv=advertisement("{pools: [default]}"))
    assert [f.object for f in found] == ["AddressPool/default"]


def test_what_an_alias_stands_for_is_named_where_it_is_written_first_and_a_merge_where_it_is_made() -> None:
    text = """\
        apiVersion: herald-lb.io/v1alpha1
        kind: AddressPool
        metadata: {name: default}
        spec:
          blocks:
            - &block
              cidr: 192.0.2.1/24
            - *block
            - <<: {cidr: 192.0.3.1/24}
        """
    assert [(f.line, f.path) for f in lint(pool=text)] == [
        (7, "spec.blocks[0].cidr"),
        (6, "spec.blocks[1].cidr"),
        (9, "spec.blocks[2].cidr"),
    ]


@pytest.mark.parametrize("text", ["[" * 200, "{a: " * 200, "&a [*a]"], ids=["lists", "maps", "itself"])
def test_odd_documents_are_harmless(text: str) -> None:
    lint(odd=text)
    lint(pool=POOL + "  more: " + text)
