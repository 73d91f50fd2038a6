"""BFDProfile: defaults, bounds, and peers that name one."""

import pytest

from bgp_config.config import BFDProfile
from bgp_config.kind import ConfigKey, ConfigKind
from bgp_config.names import BFDProfileName, PeerName
from bgp_config.parse import Accepted, Refused, parse
from bgp_config.store import ConfigStore

NAME = BFDProfileName("fast")
PEER = {"localASN": 64512, "peerASN": 65001, "peerAddress": "10.1.1.0", "bfdProfile": NAME}


def test_without_fields_it_is_three_times_300_ms_active_and_not_strict() -> None:
    parsed = parse(ConfigKind.BFD_PROFILE, NAME, {})
    assert parsed == Accepted(BFDProfile(name=NAME, interval_ms=300, multiplier=3, passive=False, strict=False))


def test_every_field_is_taken() -> None:
    spec = {"intervalMilliseconds": 100, "multiplier": 5, "passive": True, "strict": True}
    parsed = parse(ConfigKind.BFD_PROFILE, NAME, spec)
    assert parsed == Accepted(BFDProfile(name=NAME, interval_ms=100, multiplier=5, passive=True, strict=True))


@pytest.mark.parametrize(
    ("field", "value"),
    [("intervalMilliseconds", 9), ("intervalMilliseconds", 60_001), ("multiplier", 1), ("multiplier", 256), ("passive", 1)],
)
def test_what_is_out_of_bounds_is_refused_at_its_field(field: str, value: object) -> None:
    parsed = parse(ConfigKind.BFD_PROFILE, NAME, {field: value})
    assert isinstance(parsed, Refused)
    assert [problem.path for problem in parsed.problems] == [f"spec.{field}"]


def test_a_peer_is_in_force_before_its_profile_exists_and_says_that_it_waits_for_it() -> None:
    store = ConfigStore()
    store.upsert(ConfigKind.BGP_PEER, "tor", None, 1, PEER)
    assert store.config.peers[PeerName("tor")].bfd_profile == NAME
    verdict = store.verdicts[ConfigKey(ConfigKind.BGP_PEER, "tor")]
    assert (verdict.accepted, verdict.pending) == (True, (ConfigKey(ConfigKind.BFD_PROFILE, NAME),))
    store.upsert(ConfigKind.BFD_PROFILE, NAME, None, 1, {})
    assert store.verdicts[ConfigKey(ConfigKind.BGP_PEER, "tor")].pending == ()
    assert store.config.bfd_profiles[NAME].multiplier == 3
