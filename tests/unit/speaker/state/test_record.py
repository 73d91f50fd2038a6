"""Objects and what parts remember come out of the file as they went in."""

import msgspec
import pytest

from herald.kube.objects import KubeObject, Metadata, ServiceCIDR, ServiceCIDRSpec
from speaker.state.record import decode, encode_object, encode_part
from tests.builders import endpoint, endpoint_slice, node, peer_manifest, secret, service


class Count:
    name = "count"

    def remember(self) -> object:
        return {"so far": 7}

    def recall(self, said: msgspec.Raw) -> None:
        del said


def test_every_kind_of_object_and_every_part_is_read_as_it_was_written() -> None:
    things: tuple[KubeObject, ...] = (
        service("web", "198.51.100.7", "2001:db8::7"),
        endpoint_slice("web", [endpoint("node1", "10.0.0.1"), endpoint(None, "10.0.0.2")]),
        node(labels={"a": "b"}, conditions={"Ready": "True"}, taints=["t"]),
        secret("tor1", "pass word"),
        ServiceCIDR(metadata=Metadata(name="kubernetes"), spec=ServiceCIDRSpec(cidrs=["10.96.0.0/12"])),
        peer_manifest(holdTimeSeconds=9),
    )
    remembered = decode([*map(encode_object, things), encode_part(Count())])
    assert remembered.objects == things
    assert msgspec.json.decode(remembered.parts["count"]) == {"so far": 7}


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'{"kind":"Service","value":{}}', b'{"kind":"Service"}'])
def test_a_line_that_was_never_written_is_an_error(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode([line])


def test_a_kind_of_a_later_version_is_passed_over() -> None:
    known = service()
    assert decode([b'{"kind":"Later","value":{"x":1}}', encode_object(known)]).objects == (known,)
