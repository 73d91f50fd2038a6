"""What health checks found of one Service's endpoints on this node, as `herald status` shows it. Pure."""

from collections.abc import Iterator

from herald.kube.objects import ObjectKey
from speaker.account import Told
from speaker.health.witness import HealthWitness


class HealthFact(Told, frozen=True, kw_only=True):
    """One endpoint by one check: `state` is what was found, `last` how the last probe ended."""

    check: str
    address: str
    port: int
    state: str
    last: str = ""


def health(witness: HealthWitness, service: ObjectKey) -> Iterator[HealthFact]:
    """In order of checks and addresses."""
    found = sorted(witness.found(service), key=lambda each: (each[0].group.check, each[0].group.family, each[0].address))
    return (
        HealthFact(
            check=key.group.check,
            address=str(key.address),
            port=target.port,
            state=health.found.value,
            last=health.last.value if health.last else "",
        )
        for key, target, health in found
    )
