"""An ExaBGP in memory, as far as the driver can tell: a table, a wire, answers and events, each in its own time.

It has the fault that the driver must never meet: operations on one prefix that wait together for the wire reach it in the
order of their attributes' first use, not in the order of the commands. It checks what it is told, too.
"""

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_network

from bgp_config.names import Family, Prefix
from speaker.exabgp.driver import MAX_LINES

AFI = {Family.IPV4: 1, Family.IPV6: 2}


def event(kind: str, **neighbor: object) -> bytes:
    return json.dumps({"exabgp": "5.0.0", "type": kind, "neighbor": neighbor}).encode() + b"\n"


def peer_open(families: Iterable[Family], *, extends_next_hops: bool = False, helps_restart: bool = False) -> bytes:
    """As FRR writes its OPEN: each capability in a parameter of its own; graceful restart, as a helper, without families."""
    values = [(1, bytes((0, AFI[family], 0, 1))) for family in families]
    values += [(2, b""), (65, (65001).to_bytes(4)), *([(5, bytes((0, 1, 0, 1, 0, 2)))] if extends_next_hops else [])]
    values += [(64, bytes((0, 120)))] if helps_restart else []
    parameters = b"".join(bytes((2, len(value) + 2, code, len(value))) + value for code, value in values)
    body = b"\x04" + (65001).to_bytes(2) + b"\x00\x5a" + bytes((10, 0, 0, 1, len(parameters))) + parameters
    return event("open", direction="receive", message={"category": 1, "header": "0xFF", "body": f"0x{body.hex().upper()}"})


UP = event("state", state="up")


def down(reason: str) -> bytes:
    return event("state", state="down", reason=reason)


@dataclass
class ExaBgp:
    """`output` is what the driver reads next. `wire` is what the peer has: the words of the announcement by prefix."""

    random: random.Random
    wire: dict[Prefix, str] = field(default_factory=dict)
    ends_of_rib: int = 0
    output: bytes = b""
    _commands: list[str] = field(default_factory=list)
    _table: dict[Prefix, str] = field(default_factory=dict)
    _pending: dict[str, dict[Prefix, None]] = field(default_factory=dict)
    _eors: list[str] = field(default_factory=list)
    _unanswered: int = 0
    _unfenced: set[Prefix] = field(default_factory=set)

    @property
    def idle(self) -> bool:
        return not self._commands and not self._pending and not self._eors and not self.output

    def read(self, octets: bytes) -> None:
        lines = octets.decode("ascii").splitlines()
        self._unanswered += len(lines)
        assert self._unanswered <= MAX_LINES
        self._commands += lines
        for line in lines:
            for prefix in _prefixes(line):
                assert prefix not in self._unfenced, f"two operations of {prefix} in flight"
                self._unfenced.add(prefix)

    def step(self) -> None:
        """Does one thing that it may do now."""
        steps = [
            step for step, possible in ((self._obey, self._commands), (self._send, self._pending or self._eors)) if possible
        ]
        if steps:
            self.random.choice(steps)()

    def refresh(self) -> None:
        """The peer sent ROUTE-REFRESH: everything on the wire is sent once more."""
        for prefix, words in self.wire.items():
            self._report(prefix, words)

    def _obey(self) -> None:
        line = self._commands.pop(0)
        if line.startswith("announce eor"):
            self._eors.append(line.split()[2])
        for prefix in _prefixes(line):
            words = _words(line)
            if words is not None and self._table.get(prefix) == words:
                raise AssertionError(f"{prefix} is announced as it is already: ExaBGP would say nothing")
            self._table.pop(prefix, None) if words is None else self._table.update({prefix: words})
            self._pending.setdefault(words or "", {})[prefix] = None
        self._unanswered -= 1
        self.output += b"done\n"

    def _send(self) -> None:
        if not self._pending:
            afi = self._eors.pop(0)
            self.ends_of_rib += 1
            self.output += event("update", direction="send", message={"eor": {"afi": afi, "safi": "unicast"}})
            return
        words, prefixes = next(iter(self._pending.items()))
        del self._pending[words]
        for prefix in prefixes:
            self._unfenced.discard(prefix)
            self.wire.pop(prefix, None) if not words else self.wire.update({prefix: words})
            self._report(prefix, words)

    def _report(self, prefix: Prefix, words: str) -> None:
        family = f"ipv{prefix.version} unicast"
        if not words:
            update: dict[str, object] = {"withdraw": {family: [{"nlri": str(prefix)}]}}
        else:
            update = {"attribute": _attribute(words), "announce": {family: {words.split()[1]: [{"nlri": str(prefix)}]}}}
        self.output += event("update", direction="send", message={"update": update})


def _prefixes(line: str) -> list[Prefix]:
    return [ip_network(word) for word in line.split() if "/" in word]


def _words(line: str) -> str | None:
    """The attributes of an announcement; None for a withdrawal."""
    if line.startswith("withdraw"):
        return None
    return line[line.index("next-hop") :].split(" nlri", maxsplit=1)[0]


def _attribute(words: str) -> dict[str, object]:
    attribute: dict[str, object] = {"origin": "igp"}
    if " as-path [" in words:
        path = words.split("as-path [ ")[1].split(" ]", maxsplit=1)[0]
        attribute["as-path"] = {"0": {"element": "as-sequence", "value": [int(asn) for asn in path.split()]}}
    if " community [" in words:
        values = words.split(" community [ ")[1].split(" ]", maxsplit=1)[0].split()
        attribute["community"] = [[int(number) for number in value.split(":")] for value in values]
    return attribute
