"""Whether a speaker lives and does its work: GET /livez and /readyz. Pure."""

from herald.program.http import Health
from speaker.core import Core
from speaker.session import SessionState
from speaker.table import SessionTable

TURN_LIMIT_S = 10.0
"""The loop turns twice a second. Whatever it waits for is bounded below this."""


def liveness(turned_s_ago: float) -> Health:
    """A restart would help: the loop, which alone withdraws and announces, has not come round for too long."""
    if turned_s_ago < TURN_LIMIT_S:
        return Health(ok=True, checks={"loop": "ok"})
    return Health(ok=False, checks={"loop": f"has not turned for {turned_s_ago:.0f} s"})


def readiness(core: Core, table: SessionTable) -> Health:
    """An update may go on to the next node: everything was listed, and a router has all routes of this one.

    One session is enough: a router that is down must not stop an update. A stale kind is named, and changes nothing.
    """
    cluster = core.cluster
    routers = _routers(core, table)
    checks = {"synced": "ok" if cluster.synced else "not every kind has been listed yet", "routers": routers}
    checks |= {f"source {kind}": f"stale: {why}" for kind, why in cluster.stale.items()}
    return Health(ok=cluster.synced and routers == "ok", checks=checks)


def _routers(core: Core, table: SessionTable) -> str:
    wanted = len(core.peers())
    records = [table.records[spec] for spec in core.peering.sessions.values() if spec in table.records]
    if not wanted or any(each.state is SessionState.ESTABLISHED and each.in_sync for each in records):
        return "ok"
    return f"none of {wanted} sessions is Established with all its routes on the wire"
