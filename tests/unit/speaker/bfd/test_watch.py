"""Which links are watched, for how long, and which BGP sessions that leaves open."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from bgp_config.config import BFDProfile, Config, Peer
from bgp_config.names import BFDProfileName, PeerName
from speaker.bfd.packet import State
from speaker.bfd.profile import Profile
from speaker.bfd.status import Status
from speaker.bfd.watch import LINGER_S, Watch, watched_links
from speaker.peering import Peering
from tests.builders import config, peer, session
from tests.unit.speaker.bfd.build import FAST, HOP, UP

TOR1, TOR2 = session("10.1.1.0", "10.1.1.1"), session("10.2.1.0", "10.2.1.1")
STRICT = replace(FAST, strict=True)
DOWN = replace(UP, state=State.DOWN, diag=1, since=10.0)


def configured(tor1: Peer) -> tuple[Peering, Config]:
    """One session, whose peer names the profile `fast`."""
    tor1 = replace(tor1, bfd_profile=BFDProfileName("fast"))
    fast = BFDProfile(name=BFDProfileName("fast"), interval_ms=100)
    peering = Peering(sessions={PeerName("tor1"): TOR1}, peers={PeerName("tor1"): tor1})
    return peering, replace(config(), bfd_profiles=MappingProxyType({fast.name: fast}))


def watching(profile: Profile = FAST, *said: Status) -> Watch:
    watch = Watch()
    watch.follow({HOP: profile}, {}, 0.0)
    for status in said:
        watch.observe(status)
    return watch


def test_a_peer_is_watched_as_its_profile_says() -> None:
    assert watched_links(*configured(peer("tor1"))) == {HOP: FAST}


@pytest.mark.parametrize("far", [replace(peer("tor1"), multihop_ttl=3), replace(peer("tor1"), ttl_security_hops=2)])
def test_a_peer_that_may_be_further_away_than_one_hop_is_not_watched(far: Peer) -> None:
    assert watched_links(*configured(far)) == {}


def test_a_profile_that_does_not_exist_watches_nothing() -> None:
    peering, _ = configured(peer("tor1"))
    assert watched_links(peering, config()) == {}


def test_what_is_asked_for_no_more_is_watched_a_little_longer_but_has_no_say() -> None:
    watch = watching(FAST, UP, DOWN)
    assert watch.follow({}, {}, 20.0) == {HOP: FAST}
    assert watch.verdict(HOP, 20.0) is None
    assert watch.follow({}, {}, 20.0 + LINGER_S) == {}
    assert not watch.lingers


def test_what_is_asked_for_again_in_time_has_not_forgotten() -> None:
    watch = watching(FAST, UP, DOWN)
    watch.follow({}, {}, 20.0)
    watch.follow({HOP: FAST}, {}, 21.0)
    assert watch.permitted([TOR1], 21.0).mute == {TOR1}


def test_a_link_that_was_heard_of_before_it_was_asked_for_begins_with_that() -> None:
    watch = Watch()
    watch.follow({HOP: FAST}, {HOP: DOWN}, 20.0)
    assert watch.permitted([TOR1], 20.0).mute == {TOR1}


def test_a_failure_concerns_its_own_link_only_and_is_looked_at_again_in_time() -> None:
    watch = watching(FAST, UP, DOWN)
    assert watch.review_at(10.1) == pytest.approx(10.3)
    assert watch.permitted([TOR1, TOR2], 10.1).mute == frozenset()
    after = watch.permitted([TOR1, TOR2], 10.4)
    assert after.sessions == (TOR1, TOR2)
    assert after.mute == {TOR1}


def test_without_a_program_the_last_word_stands_but_for_a_strict_profile() -> None:
    for profile, sessions in ((FAST, (TOR1,)), (STRICT, ())):
        watch = watching(profile, UP)
        assert watch.permitted([TOR1], 5.0).sessions == (TOR1,)
        watch.is_blind = True
        assert watch.permitted([TOR1], 5.0).sessions == sessions
