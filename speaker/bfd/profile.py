"""How a BFD session is run: one typed profile, as BFDProfile will say it in the configuration. Pure."""

from dataclasses import dataclass

MIN_INTERVAL_MS, MAX_INTERVAL_MS = 10, 60_000
MIN_MULTIPLIER, MAX_MULTIPLIER = 1, 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The same interval is asked for in both directions. ValueError for what cannot be put into a packet.

    `passive`: says nothing before the peer does (RFC 5880, 6.1). `strict`: BGP waits for BFD from the very start.
    """

    interval_ms: int = 300
    multiplier: int = 3
    passive: bool = False
    strict: bool = False

    def __post_init__(self) -> None:
        if not MIN_INTERVAL_MS <= self.interval_ms <= MAX_INTERVAL_MS:
            raise ValueError(f"an interval is {MIN_INTERVAL_MS} to {MAX_INTERVAL_MS} ms, not {self.interval_ms}")
        if not MIN_MULTIPLIER <= self.multiplier <= MAX_MULTIPLIER:
            raise ValueError(f"a multiplier is {MIN_MULTIPLIER} to {MAX_MULTIPLIER}, not {self.multiplier}")

    @property
    def interval_us(self) -> int:
        return self.interval_ms * 1000
