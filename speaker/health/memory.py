"""What a successor on the same boot is told: who is sick, and how often. So a restart makes nobody well. Pure."""

from ipaddress import ip_address
from typing import Final

import msgspec

from bgp_config.names import Family, HealthCheckName
from herald.kube.objects import ObjectKey
from speaker.health.judge import Judge
from speaker.health.targets import EndpointKey, GroupKey


class _Group(msgspec.Struct, frozen=True):
    namespace: str
    name: str
    check: str
    family: int


class _Sick(msgspec.Struct, frozen=True):
    group: _Group
    address: str


class _Level(msgspec.Struct, frozen=True):
    group: _Group
    level: int
    since: float


class _Health(msgspec.Struct, frozen=True):
    sick: list[_Sick] = []
    levels: list[_Level] = []


class HealthMemory:
    """A part of the state file."""

    name: Final = "health"

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def remember(self) -> _Health:
        levels = self._judge.hold_down.levels
        return _Health(
            sick=[_Sick(_plain(each.group), str(each.address)) for each in self._judge.sick],
            levels=[_Level(_plain(group), level, since) for group, (level, since) in levels.items()],
        )

    def recall(self, said: msgspec.Raw) -> None:
        health = msgspec.json.decode(said, type=_Health)
        self._judge.recall(EndpointKey(_group(each.group), ip_address(each.address)) for each in health.sick)
        self._judge.hold_down.recall({_group(each.group): (each.level, each.since) for each in health.levels})


def _plain(group: GroupKey) -> _Group:
    return _Group(group.service.namespace, group.service.name, group.check, group.family.value)


def _group(said: _Group) -> GroupKey:
    return GroupKey(ObjectKey(said.namespace, said.name), HealthCheckName(said.check), Family(said.family))
