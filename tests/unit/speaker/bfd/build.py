"""What the tests of BFD begin with: one link, and a session over it that is up."""

from speaker.bfd.packet import State
from speaker.bfd.profile import Profile
from speaker.bfd.status import Hop, Status
from tests.builders import ip

HOP = Hop(local=ip("10.1.1.1"), peer=ip("10.1.1.0"))
FAST = Profile(interval_ms=100)
UP = Status(
    hop=HOP,
    state=State.UP,
    diag=0,
    remote_state=State.UP,
    remote_diag=0,
    since=1.0,
    detection_time_s=0.3,
    peer_detection_time_s=0.3,
    was_up=True,
)
