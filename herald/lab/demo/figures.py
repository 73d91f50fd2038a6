"""What the demo measured, as it is written with --json. Pure."""

from collections.abc import Mapping

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One scene: seconds until both ToRs' kernels had the new routes, and the client's requests begun meanwhile.

    `route_change_s` None: no route changed, and none had to. `failed` counts new connections that failed, `reset` those that
    were established and then broken. `outage_s`: from the first to the last of the failed ones.
    """

    name: str
    route_change_s: float | None
    requests: int
    failed: int
    reset: int
    outage_s: float


class Figures(msgspec.Struct, kw_only=True):
    """`next_hops`: how many nodes each ToR's kernel sends each VIP's traffic to, before the first scene."""

    vips: list[str]
    next_hops: Mapping[str, Mapping[str, int]]
    events: list[Event] = []

    def encode(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"
