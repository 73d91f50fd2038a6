"""What a manifest file is taken for, and what is said of one that is wrong."""

from textwrap import dedent

import pytest

from herald.kube.directory.decode import ObjectId
from herald.kube.directory.manifest import Manifest, ManifestReader, Place
from herald.kube.objects import ConfigManifest, Kind, Node, ObjectKey, Service

ALL = ManifestReader(kinds=frozenset(Kind), place=Place.MANIFESTS)
SECRETS = ManifestReader(kinds=frozenset(Kind), place=Place.SECRETS)
WEB: ObjectId = (Kind.SERVICE, ObjectKey("default", "web"))
OTHER: ObjectId = (Kind.SERVICE, ObjectKey("default", "other"))


def read(text: str, reader: ManifestReader = ALL, suffix: str = ".yaml", before: Manifest | None = None) -> Manifest:
    return reader.read(dedent(text).encode(), suffix, before or Manifest())


def service(name: str, more: str = "") -> str:
    return f"apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n{more}"


def only_flaw(manifest: Manifest) -> str:
    ((_, flaw),) = manifest.flaws
    return f"{flaw.message}; {flaw.hint}"


def test_an_object_without_namespace_is_in_default() -> None:
    assert list(read(service("web")).objects) == [WEB]


def test_a_cluster_scoped_object_has_no_namespace_whatever_is_written() -> None:
    manifest = read("apiVersion: v1\nkind: Node\nmetadata: {name: node1, namespace: shop}\n")
    assert list(manifest.objects) == [(Kind.NODE, ObjectKey("", "node1"))]


def test_a_list_is_its_items_and_a_wrong_item_spoils_no_other() -> None:
    manifest = read(
        """
        apiVersion: v1
        kind: List
        items:
        - {apiVersion: v1, kind: Service, metadata: {name: web}}
        - {apiVersion: v1, kind: Service, metadata: {name: bad}, spec: {type: 7}}
        - {apiVersion: v1, kind: Node, metadata: {name: node1}}
        """
    )
    assert {key.name for _, key in manifest.objects} == {"web", "node1"}
    assert "default/bad" in only_flaw(manifest)


def test_json_is_read_like_yaml() -> None:
    manifest = read('{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}', suffix=".json")
    assert list(manifest.objects) == [WEB]


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n",
        "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: web}\n",
        "apiVersion: v1\nkind: Node\nmetadata: {name: node1}\n",
    ],
)
def test_kinds_of_others_and_kinds_not_asked_for_are_passed_over_in_silence(text: str) -> None:
    assert read(text, ManifestReader(kinds=frozenset({Kind.SERVICE}), place=Place.MANIFESTS)) == read(
        text, ManifestReader(kinds=frozenset(), place=Place.MANIFESTS)
    )
    assert not read(text, ManifestReader(kinds=frozenset({Kind.SERVICE}), place=Place.MANIFESTS)).flaws


def test_a_misspelt_kind_of_our_own_is_named_with_those_that_exist() -> None:
    flaw = only_flaw(read("apiVersion: herald-lb.io/v1alpha1\nkind: AdressPool\nmetadata: {name: a}\n"))
    assert "AdressPool" in flaw
    assert "AddressPool" in flaw


def test_the_spec_of_our_own_kinds_stays_as_written() -> None:
    manifest = read(
        """
        apiVersion: herald-lb.io/v1alpha1
        kind: Community
        metadata: {name: a}
        spec: {value: 64512:30}
        """
    )
    (community,) = manifest.objects.values()
    assert isinstance(community, ConfigManifest)
    assert community.spec == {"value": "64512:30"}


def test_a_field_that_does_not_exist_is_refused_with_the_nearest_that_does() -> None:
    manifest = read(
        """
        apiVersion: herald-lb.io/v1alpha1
        kind: BGPPeer
        metadata: {name: tor1}
        spec: {localASN: 64512, peerASN: 65001, peerAddress: 10.1.1.0, holdTime: 9}
        """
    )
    assert not manifest.objects
    assert only_flaw(manifest) == "BGPPeer tor1: there is no field spec.holdTime; Did you mean holdTimeSeconds?"
    assert manifest.keeps((Kind.BGP_PEER, ObjectKey("", "tor1")))


def test_what_only_an_api_server_knows_is_filled_in_and_is_the_same_every_time() -> None:
    first, second = (read(service("web")).objects[WEB].metadata for _ in range(2))
    other = read(service("other")).objects[OTHER].metadata
    assert first == second
    assert first.uid
    assert first.creation_timestamp
    assert first.uid != other.uid


def test_what_the_file_says_of_it_is_kept() -> None:
    metadata = read(service("web", "  uid: abc\n  creationTimestamp: 2026-01-01T00:00:00Z\n")).objects[WEB].metadata
    assert (metadata.uid, metadata.creation_timestamp) == ("abc", "2026-01-01T00:00:00Z")


def test_null_is_absent() -> None:
    found = read(service("web", "  labels:\n  namespace: null\nspec:\n  type: LoadBalancer\n  ipFamilies:\n")).objects[WEB]
    assert isinstance(found, Service)
    assert found.spec.ip_families == []
    assert found.metadata.labels == {}


@pytest.mark.parametrize(("written", "quoted"), [("true", '"true"'), ("1", '"1"'), ("yes", '"true"')])
def test_a_label_that_is_no_text_is_named_with_its_remedy(written: str, quoted: str) -> None:
    flaw = only_flaw(read(service("web", f"  labels:\n    tier: {written}\n")))
    assert "default/web" in flaw
    assert "metadata.labels" in flaw
    assert f"tier: {quoted}" in flaw


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hello: world\n", "apiVersion or kind is missing"),
        ("- a\n- b\n", "apiVersion or kind is missing"),
        ("apiVersion: v1\nkind: Service\n", "without metadata"),
        ("apiVersion: v1\nkind: Service\nmetadata: {name: 7}\n", "metadata.name"),
        ("apiVersion: v1\nkind: Service\nmetadata: {name: ../../etc/passwd}\n", "metadata.name"),
        ("apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: ../x}\n", "metadata.namespace"),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {externalTrafficPolicy: x}\n",
            "externalTrafficPolicy",
        ),
        ("apiVersion: herald-lb.io/v1alpha1\nkind: BGPPeer\nmetadata: {name: a}\nspec: 7\n", "spec is no object"),
        ("apiVersion: herald-lb.io/v1alpha1\nkind: BGPPeer\nmetadata: &m {name: a, labels: *m}\n", "labels"),
    ],
)
def test_what_is_wrong_is_named(text: str, said: str) -> None:
    manifest = read(text)
    assert not manifest.objects
    assert said in only_flaw(manifest)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("", "spec is missing"),
        ("spec:\n", "spec is empty"),
        ("spec: null\n", "spec is empty"),
        ("spec: []\n", "spec is no object"),
    ],
)
def test_an_advertisement_of_everything_says_so_with_an_object(spec: str, said: str) -> None:
    """Without fields it announces all pools to all peers, which nobody means who leaves the spec out or empty."""
    text = "apiVersion: herald-lb.io/v1alpha1\nkind: BGPAdvertisement\nmetadata: {name: a}\n"
    assert said in only_flaw(read(text + spec))
    assert len(read(text + "spec: {}\n").objects) == 1


def test_a_document_that_does_not_parse_leaves_the_others_and_names_its_line() -> None:
    manifest = read(service("web") + "---\na: [1,\n---\n" + service("other"))
    assert set(manifest.objects) == {WEB, OTHER}
    ((number, flaw),) = manifest.flaws
    assert number == 2
    assert flaw.line is not None
    assert flaw.line >= 6


def test_while_a_document_does_not_parse_everything_that_the_file_held_is_kept() -> None:
    manifest = read(service("web") + "---\na: [1,\n")
    assert manifest.keeps(OTHER)


def test_while_an_object_does_not_decode_only_that_object_is_kept() -> None:
    manifest = read(service("web", "spec: {type: 7}\n"))
    assert manifest.keeps(WEB)
    assert not manifest.keeps(OTHER)


def test_an_object_defined_twice_in_a_file_counts_as_first_written() -> None:
    manifest = read(service("web", "spec: {loadBalancerClass: first}\n") + "---\n" + service("web"))
    found = manifest.objects[WEB]
    assert isinstance(found, Service)
    assert found.spec.load_balancer_class == "first"
    assert "defined twice" in only_flaw(manifest)


def test_only_documents_that_changed_are_parsed_again() -> None:
    before = read(service("web") + "---\n" + service("other"))
    after = read(service("new") + "---\n" + service("other"), before=before)
    assert after.objects[OTHER] is before.objects[OTHER]
    assert set(after.documents) & set(before.documents)


def test_text_that_is_not_utf_8_is_named_and_keeps_everything() -> None:
    manifest = ALL.read(b"\xff\xfe\x00", ".yaml", Manifest())
    assert "UTF-8" in only_flaw(manifest)
    assert manifest.keeps(WEB)


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: bgp, namespace: herald}\nstringData: {password: %s}\n"


def test_a_secret_among_the_manifests_is_refused_and_named_without_its_content() -> None:
    manifest = read(SECRET % "hunter2")
    assert not manifest.objects
    assert "herald/bgp" in only_flaw(manifest)
    assert "hunter2" not in str(manifest.flaws)


def test_a_secret_among_the_secrets_is_read() -> None:
    assert list(read(SECRET % "hunter2", SECRETS).objects) == [(Kind.SECRET, ObjectKey("herald", "bgp"))]


@pytest.mark.parametrize("password", ["*hunter2", "!hunter2 x", "[hunter2", "12345678", "{hunter2: [}", "&hunter2 *hunter"])
def test_what_is_wrong_with_a_secret_is_said_without_its_content(password: str) -> None:
    manifest = read(SECRET % password, SECRETS)
    assert manifest.flaws
    assert "hunter" not in str([flaw for _, flaw in manifest.flaws])
    assert "12345678" not in str([flaw for _, flaw in manifest.flaws])


def test_a_node_may_lie_among_the_secrets() -> None:
    manifest = read("apiVersion: v1\nkind: Node\nmetadata: {name: node1}\n", SECRETS)
    assert isinstance(manifest.objects[Kind.NODE, ObjectKey("", "node1")], Node)
