import pytest

from speaker.exabgp import lock
from speaker.exabgp.lock import AnotherSpeakerError, SpeakerLock


def test_only_one_speaker_holds_it_and_it_is_free_again_afterwards() -> None:
    with SpeakerLock(), pytest.raises(AnotherSpeakerError, match="another speaker runs"):
        SpeakerLock()
    SpeakerLock().release()


def test_its_name_is_the_documented_one() -> None:
    assert lock.ADDRESS == "\0herald-speaker"
