"""What speakers say of themselves: their BGPNodes on an API server. On a directory they say nothing."""

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Protocol

from bgp_config.names import IPAddress, NodeName
from bgp_config.status.condition import ConditionStatus, ConditionType
from bgp_config.status.drain import Phase
from bgp_config.status.node import LASTING_REASONS, PLAIN_REASONS, Announcement, BGPNodeStatus, ServiceNotNormal
from controller.drain.announcers import Claim, Voice, Voices
from herald.kube.api import BGP_NODES, ApiClient, decode_answer
from herald.kube.api.pages import list_pages
from herald.kube.objects import Metadata, ObjectKey, Value


class Speakers(Protocol):
    """Knows what speakers say; None where they cannot be heard."""

    async def voices(self) -> Voices | None: ...


class Unheard:
    """Speakers on a directory."""

    async def voices(self) -> Voices | None:
        return None


class _BGPNode(Value, frozen=True):
    metadata: Metadata
    status: BGPNodeStatus | None = None


class ApiSpeakers:
    """Raises ApiError, UnreachableError."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    async def voices(self) -> Voices:
        pages = list_pages(self._client, BGP_NODES.collection(), ())
        nodes = [decode_answer(raw, _BGPNode) async for page in pages for _, raw in page.items]
        return {NodeName(each.metadata.name): voice_of(each.status) for each in nodes if each.status}


def voice_of(status: BGPNodeStatus) -> Voice:
    """A speaker that is taken for dead, whose Ready is Unknown, announces nothing."""
    ready = [each.status for each in status.conditions if each.type == ConditionType.READY]
    established = status.counts.established if status.counts else 0
    lasting = (each for each in status.services_not_normal if _lasts(each))
    # What the objects tell they tell sooner.
    own = [each for each in status.services_not_normal if each.reason not in PLAIN_REASONS]
    return Voice(
        announces=ConditionStatus.UNKNOWN not in ready and established > 0 and status.drain is None and _names_all(status),
        to_all_peers=ConditionStatus.FALSE not in ready,
        not_normal=frozenset([*_claims(own), *_whole(own)]),
        withheld=frozenset(_claims(lasting) if ConditionStatus.TRUE in ready else ()),
        grants=frozenset(status.drain.grants if status.drain else ()),
        drained=status.drain is not None and status.drain.phase is Phase.DRAINED,
    )


def _claims(words: Iterable[ServiceNotNormal]) -> Iterator[Claim]:
    return ((_key(word), vip) for word in words for vip in _vips(word))


def _whole(words: Iterable[ServiceNotNormal]) -> Iterator[ObjectKey]:
    """Services of which it is not known which VIPs are meant."""
    return (_key(word) for word in words if not _vips(word))


def _key(word: ServiceNotNormal) -> ObjectKey:
    return ObjectKey(word.namespace, word.name)


def _vips(word: ServiceNotNormal) -> tuple[IPAddress, ...]:
    try:
        return tuple(map(ip_address, word.vips))
    except ValueError:
        return ()


def _lasts(word: ServiceNotNormal) -> bool:
    """Of a node with all its sessions up: whether it announces this to nobody, as long as the objects stay as they are."""
    return word.state is Announcement.WITHDRAWN and word.reason in LASTING_REASONS


def _names_all(status: BGPNodeStatus) -> bool:
    """Whether it names every Service that it does not announce as it should, but for those that the objects tell of."""
    named = status.services_not_normal
    return status.services_not_normal_total <= len(named) or any(each.reason in PLAIN_REASONS for each in named)
