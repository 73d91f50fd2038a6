"""Versions: what is seen may be older than what was written, and what was written may be overtaken."""

import msgspec

from controller.allocate import Assigned, NotOurs
from controller.record import Forget, Record, SetIngress
from herald.kube.objects import Condition, Service, ServiceStatus
from tests.builders import ip
from tests.unit.controller.build import lb

VIP = ip("198.51.100.1")


def at(version: str, *vips: str, uid: str = "u") -> Service:
    service = lb("web", *vips, uid=uid)
    return msgspec.structs.replace(service, metadata=msgspec.structs.replace(service.metadata, resource_version=version))


def written(version: str) -> Record:
    """A record of an object at version 5 to which a VIP was written."""
    record = Record(at("5"))
    record.decide(Assigned((VIP,)))
    write = record.next_write()
    assert isinstance(write, SetIngress)
    record.begin(write)
    record.acknowledge(write, version)
    return record


def test_what_is_older_than_what_was_written_is_passed_over() -> None:
    record = written("8")
    assert not record.see(at("7"))
    assert record.service.vips == (VIP,)
    assert record.next_write() is None
    assert record.see(at("9"))
    assert record.service.metadata.resource_version == "9"


def test_versions_are_numbers() -> None:
    assert written("9").see(at("10"))


def test_where_there_are_no_versions_everything_is_seen() -> None:
    record = Record(at(""))
    assert record.see(at("", "198.51.100.1"))


def test_another_object_of_the_name_is_seen_whatever_its_version() -> None:
    assert written("8").see(at("3", uid="other"))


def test_what_was_seen_after_the_write_stands_when_the_answer_comes() -> None:
    record = Record(at("5"))
    record.decide(Assigned((VIP,)))
    write = record.next_write()
    assert write
    record.begin(write)
    record.see(at("9"))  # written as 8, then cleared by somebody
    record.acknowledge(write, "8")
    assert record.service.vips == ()
    assert record.unsure == frozenset()
    assert isinstance(record.next_write(), SetIngress)


def test_the_next_write_is_about_the_version_that_the_last_one_made() -> None:
    assert written("8").service.metadata.resource_version == "8"


def test_another_controller_s_ingress_is_yielded_to_until_it_is_cleared() -> None:
    record = Record(at("5"))
    record.decide(Assigned((VIP,)))
    write = record.next_write()
    assert write
    record.begin(write)
    record.yield_to("metallb")
    assert (record.decided, record.unsure, record.owner) == ((), frozenset(), "metallb")
    record.see(at("6", "203.0.113.9"))
    assert record.owner == "metallb"
    record.see(at("7"))
    assert record.owner == ""


def test_after_a_restart_it_is_known_what_the_condition_says() -> None:
    said = Condition(type="Assigned", status="False", reason="noPool", message="m", last_transition_time="t")
    service = msgspec.structs.replace(at("5"), status=ServiceStatus(conditions=[said]))
    record = Record(service)
    record.see(service)
    assert record.said == ("noPool", "m")


def test_what_an_earlier_life_wrote_is_taken_back_once_from_a_service_that_is_another_s() -> None:
    said = Condition(type="Assigned", status="True", reason="assigned")
    service = at("5", "198.51.100.1")
    service = msgspec.structs.replace(service, status=msgspec.structs.replace(service.status, conditions=[said]))
    record = Record(service)
    record.decide(NotOurs())
    write = record.next_write()
    assert isinstance(write, Forget)
    record.begin(write)
    record.acknowledge(write, "")
    record.decide(NotOurs())
    assert record.next_write() is None
    assert record.claims == {VIP}, "until it is seen to be gone"


def test_what_another_wrote_to_a_service_that_is_its_own_stays() -> None:
    record = Record(at("5", "198.51.100.1"))
    record.decide(NotOurs())
    assert record.next_write() is None
