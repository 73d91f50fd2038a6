"""How often something was asked of an API server, by kind: what tells a healthy watch from one that starts over and over."""

from collections import Counter
from dataclasses import dataclass, field

from herald.kube.objects import Kind


@dataclass(slots=True)
class Tally:
    """Complete lists that were read, and watches that were opened. One owner: the client that they went through."""

    lists: Counter[Kind] = field(default_factory=Counter)
    watches: Counter[Kind] = field(default_factory=Counter)
