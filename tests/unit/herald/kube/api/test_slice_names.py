"""The names of a whole cluster's slices are found both ways, and cost little."""

import tracemalloc

from herald.kube.api.slice_names import SliceNames
from herald.kube.objects import ObjectKey


def slice_(name: str) -> ObjectKey:
    return ObjectKey("default", name)


WEB, DNS = ObjectKey("default", "web"), ObjectKey("default", "dns")


def test_a_slice_belongs_to_the_service_that_had_it_last() -> None:
    names = SliceNames()
    for key in (slice_("web-2"), slice_("web-1")):
        names.put(key, WEB)
    names.put(slice_("web-2"), DNS)
    assert (names.of(WEB), names.of(DNS)) == ([slice_("web-1")], [slice_("web-2")])
    names.put(slice_("web-2"), None)
    assert names.of(DNS) == []


def test_services_of_one_name_in_two_namespaces_are_two() -> None:
    names = SliceNames()
    names.put(slice_("web-1"), WEB)
    names.put(ObjectKey("shop", "web-1"), ObjectKey("shop", "web"))
    assert (names.of(WEB), names.of(ObjectKey("shop", "web"))) == ([slice_("web-1")], [ObjectKey("shop", "web-1")])


def test_what_a_list_does_not_name_is_dropped_when_it_ends() -> None:
    names = SliceNames()
    for key in (slice_("web-1"), slice_("web-2")):
        names.put(key, WEB)
    names.begin_list()
    names.put(slice_("web-2"), WEB)
    assert names.of(WEB) == [slice_("web-1"), slice_("web-2")]
    names.end_list()
    assert names.of(WEB) == [slice_("web-2")]


def test_a_list_that_was_given_up_drops_nothing() -> None:
    names = SliceNames()
    names.put(slice_("web-1"), WEB)
    names.begin_list()
    names.begin_list()
    names.put(slice_("web-1"), WEB)
    names.end_list()
    assert names.of(WEB) == [slice_("web-1")]


def test_twenty_thousand_names_cost_four_megabytes() -> None:
    names = SliceNames()
    tracemalloc.start()
    try:
        for number in range(20_000):
            names.put(slice_(f"service-{number // 4}-{number % 4}"), ObjectKey("default", f"service-{number // 4}"))
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size < 4e6
