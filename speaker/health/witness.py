"""Health checks as a witness: what the objects say is asked, what is found is told to the core, for each VIP of this node.

It looks again only at Services that are to be decided again. A VIP stands as badly as the worst group of its family.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping

from bgp_config.names import Family, HealthCheckName, IPAddress
from herald.kube.objects import ObjectKey
from speaker.core import Core
from speaker.evidence import Source, Standing
from speaker.health.dialogue import Outcome
from speaker.health.judge import EndpointHealth, Judge
from speaker.health.prober import Answer, Prober
from speaker.health.targets import EndpointKey, GroupKey, Target, targets
from speaker.latency import Observations
from speaker.reasons import Reason
from speaker.route import RouteState
from speaker.witness import Witness


class HealthWitness(Witness):
    """One owner: the daemon's loop, in whose thread the prober answers. `wake` makes the loop turn."""

    def __init__(self, load_balancer_class: str, wake: Callable[[], None]) -> None:
        self.prober = Prober(self._on_answer)
        self.outcomes: Counter[tuple[HealthCheckName, Outcome]] = Counter()
        self.durations = Observations()
        self.judge = Judge()
        self._class = load_balancer_class
        self._wake = wake
        self._watched: dict[ObjectKey, Mapping[EndpointKey, Target]] = {}
        self._doubted: dict[ObjectKey, set[IPAddress]] = {}
        self._news: set[ObjectKey] = set()

    def testify(self, core: Core, now: float) -> None:
        cluster = core.cluster
        checks = cluster.config.health_checks
        if not cluster.synced or not (checks or self._watched or self.judge.recalled or self.outcomes):
            return
        again = {*cluster.services, *self._watched} if cluster.dirty.everything else set(cluster.dirty.services)
        for key in again:
            self._watch(key, targets(cluster, key, self._class), now)
        self.judge.forget_recalled()
        if cluster.dirty.everything:
            self._forget_outcomes(checks)
        self._news.update(group.service for group in self.judge.release(now))
        news, self._news = self._news, set()
        for key in news:
            self._tell(core, key)

    def found(self, service: ObjectKey | None = None) -> Iterable[tuple[EndpointKey, Target, EndpointHealth]]:
        """What is watched, and what was found of it; of one Service, or of all."""
        for key in self._watched if service is None else (service,):
            watched = self._watched.get(key, {})
            for endpoint, target in watched.items():
                yield endpoint, target, self.judge.health(endpoint)

    def _watch(self, key: ObjectKey, wanted: Mapping[EndpointKey, Target], now: float) -> None:
        """These are the Service's targets from now on."""
        before = self._watched.pop(key, {})
        if not before and not wanted:
            return
        self._news.add(key)  # its VIPs may be others
        if wanted:
            self._watched[key] = wanted
        if wanted == before:
            return
        for endpoint in before.keys() - wanted.keys():
            self.prober.forget(endpoint)
        for endpoint, target in wanted.items():
            self.prober.watch(endpoint, target)
        groups = _by_group(wanted)
        for group in _by_group(before).keys() - groups.keys():
            self.judge.forget(group)
        for group, endpoints in groups.items():
            self.judge.watch(group, wanted[endpoints[0]].check, endpoints, now)

    def _forget_outcomes(self, there: Container[HealthCheckName]) -> None:
        """Of checks that are there no longer."""
        for counted in [each for each in self.outcomes if each[0] not in there]:
            del self.outcomes[counted]

    def _tell(self, core: Core, key: ObjectKey) -> None:
        """What it says of a VIP that it no longer knows, is taken back."""
        service = core.cluster.services.get(key)
        worst: dict[Family, RouteState] = {}
        for group in _by_group(self._watched.get(key, {})):
            worst[group.family] = min(self.judge.state(group), worst.get(group.family, RouteState.NORMAL))
        states = {vip: worst.get(Family.of(vip), RouteState.NORMAL) for vip in (service.vips if service else ())}
        doubted = {vip for vip, state in states.items() if state is not RouteState.NORMAL}
        for vip in doubted:
            core.doubt(Source.HEALTH, (key, vip), Standing(states[vip], Reason.HEALTH_CHECK_FAILED))
        for vip in self._doubted.pop(key, set()) - doubted:
            core.doubt(Source.HEALTH, (key, vip), None)
        if doubted:
            self._doubted[key] = doubted

    def _on_answer(self, answer: Answer) -> None:
        group = answer.endpoint.group
        self.outcomes[group.check, answer.outcome] += 1
        self.durations.add(answer.took_s)
        if self.judge.hear(answer.endpoint, answer.outcome, answer.at):
            self._news.add(group.service)
            self._wake()


def _by_group(watched: Iterable[EndpointKey]) -> Mapping[GroupKey, list[EndpointKey]]:
    groups: dict[GroupKey, list[EndpointKey]] = {}
    for endpoint in watched:
        groups.setdefault(endpoint.group, []).append(endpoint)
    return groups
