import pytest

from herald.kube.api.decode import (
    LAST_APPLIED,
    EventType,
    UndecodableError,
    decode_event,
    decode_head,
    decode_object,
    decode_page,
)
from herald.kube.api.errors import MalformedError
from herald.kube.objects import ConfigManifest, EndpointSlice, Kind, ObjectKey
from tests.unit.herald.kube.api.words_of import item, raw, slice_item


def test_a_page_tells_where_the_list_goes_on_and_at_which_version() -> None:
    page = decode_page(b'{"metadata":{"resourceVersion":"7","continue":"next"},"items":[{"a":1},{"b":2}]}')
    assert (page.metadata.resource_version, page.metadata.continue_) == ("7", "next")
    assert [bytes(each) for each in page.items or ()] == [b'{"a":1}', b'{"b":2}']


def test_an_empty_list_of_go_is_null() -> None:
    assert decode_page(b'{"metadata":{"resourceVersion":"7"},"items":null}').items is None


def test_an_event_tells_its_type_and_the_version_of_its_object() -> None:
    event = decode_event(b'{"type":"BOOKMARK","object":{"kind":"Node","metadata":{"resourceVersion":"8"},"spec":{}}}')
    assert event.type is EventType.BOOKMARK
    assert decode_head(event.object).resource_version == "8"


@pytest.mark.parametrize("line", [b"", b"<html>", b'{"type":"OTHER","object":{}}', b"[]", b'{"type":"ADDED"}'])
def test_what_is_no_event_is_malformed(line: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_event(line)


def test_the_head_of_a_slice_names_its_service() -> None:
    head, _ = slice_item("web-1", "web")
    assert (head.key, head.service) == (ObjectKey("default", "web-1"), ObjectKey("default", "web"))


def test_items_of_a_list_need_not_say_their_kind() -> None:
    _, value = item("default", spec={"blocks": []})
    assert decode_object(Kind.ADDRESS_POOL, value) == ConfigManifest(
        kind=Kind.ADDRESS_POOL, metadata=decode_object(Kind.ADDRESS_POOL, value).metadata, spec={"blocks": []}
    )


def test_null_is_the_same_as_absent() -> None:
    _, value = item("web-1", metadata={"labels": None}, endpoints=None)
    found = decode_object(Kind.ENDPOINT_SLICE, value)
    assert isinstance(found, EndpointSlice)
    assert found.endpoints == []


def test_the_copy_of_the_object_that_kubectl_leaves_in_it_is_not_kept() -> None:
    _, value = item("node1", metadata={"annotations": {LAST_APPLIED: "{}", "a": "b"}})
    assert decode_object(Kind.NODE, value).metadata.annotations == {"a": "b"}


def test_an_object_that_is_not_as_its_kind_says_is_told_with_the_path() -> None:
    broken = raw({"metadata": {"name": "web"}, "spec": {"externalTrafficPolicy": "Sometimes"}})
    assert decode_head(broken).key == ObjectKey("", "web")
    with pytest.raises(UndecodableError, match=r"Sometimes.*\$\.spec\.externalTrafficPolicy"):
        decode_object(Kind.SERVICE, broken)
