"""The kinds of configuration objects (group herald-lb.io, version v1alpha1, all cluster-scoped) and what names one."""

from enum import StrEnum
from typing import NamedTuple


class ConfigKind(StrEnum):
    """Values are the `kind` of a manifest."""

    ADDRESS_POOL = "AddressPool"
    BGP_PEER = "BGPPeer"
    BGP_ADVERTISEMENT = "BGPAdvertisement"
    COMMUNITY = "Community"
    BFD_PROFILE = "BFDProfile"
    HEALTH_CHECK = "HealthCheck"
    DRAIN = "Drain"


class ConfigKey(NamedTuple):
    """Names one configuration object."""

    kind: ConfigKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"
