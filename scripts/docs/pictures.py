"""The pictures of docs/, drawn from data: boxes, lines and words as SVG. Pure.

They carry their own background, so that they read alike in a light and in a dark page, and no font but the reader's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

_INK, _PAPER, _LINE = "#1f2933", "#ffffff", "#52606d"
_FILL = {"plain": "#f5f7fa", "herald": "#d9e8ff", "router": "#ffe8cc", "good": "#d3f9d8", "bad": "#ffe3e3"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Its middle is at x, y. Lines of text are below one another; the first is the heading."""

    x: int
    y: int
    text: Sequence[str]
    fill: str = "plain"
    width: int = 150

    @property
    def height(self) -> int:
        return 18 * len(self.text) + 16

    def svg(self) -> str:
        left, top = self.x - self.width // 2, self.y - self.height // 2
        size = f'width="{self.width}" height="{self.height}"'
        lines = [f'<rect x="{left}" y="{top}" {size} rx="6" fill="{_FILL[self.fill]}" stroke="{_LINE}"/>']
        for number, words in enumerate(self.text):
            weight = ' font-weight="bold"' if number == 0 else ""
            lines.append(_words(self.x, top + 22 + 18 * number, words, weight))
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """From one point to another; `both` and `plain` say which ends have a head."""

    start: tuple[int, int]
    end: tuple[int, int]
    text: str = ""
    both: bool = False
    plain: bool = False

    def svg(self) -> str:
        (x1, y1), (x2, y2) = self.start, self.end
        heads = "" if self.plain else ' marker-end="url(#head)"' + (' marker-start="url(#head)"' if self.both else "")
        line = f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{_LINE}" stroke-width="1.5"{heads}/>'
        return line if not self.text else f"{line}\n{_words((x1 + x2) // 2, (y1 + y2) // 2 - 6, self.text)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    x: int
    y: int
    text: str

    def svg(self) -> str:
        return _words(self.x, self.y, self.text)


Shape = Box | Arrow | Label


def drawings() -> Mapping[str, str]:
    """By name."""
    return {
        "fabric": _drawing("Nodes announce a VIP to both routers", 760, 430, _fabric()),
        "change": _drawing("The way of one change", 860, 170, _change()),
        "objects": _drawing("Which object says what", 860, 330, _objects()),
        "failure": _drawing("What a router has before and after an endpoint fails", 760, 250, _failure()),
    }


def _fabric() -> Iterable[Shape]:
    tors = {1: 250, 2: 510}
    nodes = {1: 130, 2: 380, 3: 630}
    for tor in tors.values():
        yield Arrow(start=(380, 115), end=(tor, 165), plain=True)
        for node in nodes.values():
            yield Arrow(start=(tor, 200), end=(node, 285), plain=True)
    yield Arrow(start=(380, 47), end=(380, 80), plain=True)
    yield Box(x=380, y=30, text=["clients"])
    yield Box(x=380, y=98, text=["spine"], fill="router")
    for number, x in tors.items():
        yield Box(x=x, y=183, text=[f"tor{number}"], fill="router")
    for number, x in nodes.items():
        yield Box(x=x, y=320, text=[f"node{number}", "speaker + ExaBGP", "endpoint"], fill="herald", width=170)
    yield Label(x=84, y=180, text="198.51.100.7/32")
    yield Label(x=84, y=198, text="via node1, node2, node3")
    yield Label(x=672, y=225, text="BGP sessions:")
    yield Label(x=672, y=243, text="each node, each router")
    yield Box(x=380, y=398, text=["controller", "198.51.100.7 belongs to this Service"], fill="herald", width=280)


def _change() -> Iterable[Shape]:
    steps = [
        ("plain", ["EndpointSlice", "not ready on", "node2"]),
        ("herald", ["speaker of node2", "decides again,", "for this Service"]),
        ("herald", ["ExaBGP of node2", "one per", "session"]),
        ("router", ["both routers", "get an UPDATE:", "withdraw"]),
        ("router", ["their kernels", "next hops:", "node1, node3"]),
    ]
    for number, (fill, text) in enumerate(steps):
        x = 86 + 172 * number
        yield Box(x=x, y=85, text=text, fill=fill, width=136)
        if number:
            yield Arrow(start=(x - 104, 85), end=(x - 70, 85))


def _objects() -> Iterable[Shape]:
    yield Arrow(start=(225, 70), end=(335, 70), text="gives a VIP to")
    yield Arrow(start=(525, 70), end=(635, 70), text="is served by")
    yield Arrow(start=(390, 210), end=(180, 108), text="")
    yield Arrow(start=(430, 210), end=(430, 108), text="")
    yield Arrow(start=(525, 250), end=(635, 250), text="announces to")
    yield Arrow(start=(335, 250), end=(225, 250), text="may name")
    yield Box(x=130, y=70, text=["AddressPool", "blocks of addresses", "for VIPs"], fill="herald", width=190)
    yield Box(x=430, y=70, text=["Service", "type LoadBalancer", "holds its VIP"], width=190)
    yield Box(x=730, y=70, text=["EndpointSlices", "which node has", "a ready endpoint"], width=190)
    yield Box(
        x=430, y=250, text=["BGPAdvertisement", "selects pools, nodes,", "Services; attributes"], fill="herald", width=190
    )
    yield Box(x=730, y=250, text=["BGPPeer", "a router, and which", "nodes peer with it"], fill="herald", width=190)
    yield Box(x=130, y=250, text=["Community", "a value with a name"], fill="herald", width=190)


def _failure() -> Iterable[Shape]:
    for x, head, hops in ((190, "before", {1: True, 2: True, 3: True}), (570, "after", {1: True, 2: False, 3: True})):
        yield Label(x=x, y=24, text=head)
        for number, there in hops.items():
            node = x + (number - 2) * 120
            if there:
                yield Arrow(start=(x + (number - 2) * 40, 92), end=(node, 176))
            yield Box(x=node, y=195, text=[f"node{number}"], fill="good" if there else "bad", width=96)
        yield Box(x=x, y=65, text=["tor1", "198.51.100.7/32"], fill="router", width=190)


def _drawing(title: str, width: int, height: int, shapes: Iterable[Shape]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-family="sans-serif"'
        f' font-size="13" fill="{_INK}">\n<title>{escape(title)}</title>\n'
        '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7"'
        f' orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="{_LINE}"/></marker></defs>\n'
        f'<rect width="{width}" height="{height}" fill="{_PAPER}"/>'
    )
    return "\n".join([head, *(shape.svg() for shape in shapes), "</svg>", ""])


def _words(x: int, y: int, text: str, more: str = "") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="middle"{more}>{escape(text)}</text>'
