"""What a node needs of its kernel to serve VIPs, and who else speaks BGP there. `judge` is pure, `look` reads.

Changes nothing. A VIP's packets come in on any link that a router chose, and the answers leave by the node's own routes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pyroute2 import IPRoute, NetlinkError

from bgp_config.names import IPAddress
from herald.status.sockets import Holder, holders
from herald.status.text import Cell, Paint, Tone, table

SYSCTL = Path("/proc/sys/net")
STRICT = 1
OURS = frozenset({"exabgp", "herald"})


_FORWARDING = {"IPv4": "net.ipv4.ip_forward", "IPv6": "net.ipv6.conf.all.forwarding"}


class Verdict(StrEnum):
    """`warn` is what may be right, and often is not."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    what: str
    verdict: Verdict
    found: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """What was read. `forwarding` by family; `rp_filter` by device, as it counts; `routes`: the device to each client."""

    forwarding: Mapping[str, bool]
    rp_filter: Mapping[str, int]
    routes: Mapping[IPAddress, str | None]
    bgp: Sequence[Holder] = ()
    ipv6: bool = field(default=True)


def judge(kernel: Kernel) -> Iterator[Check]:
    for family, is_on in kernel.forwarding.items():
        yield Check(
            f"forwarding of {family}",
            Verdict.OK if is_on else Verdict.FAIL if family == "IPv4" else Verdict.WARN,
            "on" if is_on else "off",
            "" if is_on else f"packets to {family} VIPs go on to pods: sysctl {_FORWARDING[family]}=1",
        )
    yield _reverse_path(kernel.rp_filter)
    for client, device in kernel.routes.items():
        yield Check(
            f"route back to {client}",
            Verdict.OK if device else Verdict.FAIL,
            f"through {device}" if device else "none",
            ""
            if device
            else "answers leave by this node's own routes: have the router announce a default route, or add one",
        )
    yield from _bgp(kernel.bgp)


def _reverse_path(by_device: Mapping[str, int]) -> Check:
    strict = sorted(device for device, mode in by_device.items() if mode == STRICT)
    if not strict:
        return Check("rp_filter", Verdict.OK, "strict on no link")
    remedy = (
        "a client's packet that comes in on another link than the route back is dropped: set it to 2 (loose) on all links"
    )
    return Check("rp_filter", Verdict.WARN if len(by_device) > 1 else Verdict.OK, f"strict on {' '.join(strict)}", remedy)


def _bgp(found: Iterable[Holder]) -> Iterator[Check]:
    others = [holder for holder in found if holder.name not in OURS]
    for each in others:
        who = f"{each.name or 'a program of another user'}{f' (pid {each.pid})' if each.pid else ''}"
        does = "listens" if each.listens else "has a session"
        remedy = "two BGP speakers at one address: a router refuses one of them (NOTIFICATION 6/5 or 6/7); stop one"
        yield Check("port 179", Verdict.WARN, f"{who} {does}", remedy)
    if not others:
        yield Check("port 179", Verdict.OK, "nobody but Herald speaks BGP")


def look(clients: Iterable[IPAddress]) -> Kernel:
    """Raises OSError where /proc is not Linux's."""
    with IPRoute() as routing:
        links = [link for link in routing.get_links() if link["flags"] & 1 and link.get("index") != 1]
        names = [str(link.get("ifname")) for link in links]
        routes = {client: _device(routing, client) for client in clients}
    forwarding = {"IPv4": _sysctl("ipv4/ip_forward") == 1}
    if (SYSCTL / "ipv6").is_dir():
        forwarding["IPv6"] = _sysctl("ipv6/conf/all/forwarding") == 1
    general = _sysctl("ipv4/conf/all/rp_filter")
    rp_filter = {
        name: max(general, _sysctl(f"ipv4/conf/{name}/rp_filter"))
        for name in names
        if (SYSCTL / "ipv4/conf" / name).is_dir()
    }
    return Kernel(forwarding=forwarding, rp_filter=rp_filter, routes=routes, bgp=holders())


def _sysctl(name: str) -> int:
    return int((SYSCTL / name).read_text())


def _device(routing: IPRoute, client: IPAddress) -> str | None:
    try:
        (route, *_) = routing.route("get", dst=str(client))
        (link, *_) = routing.get_links(route.get("oif"))
    except NetlinkError:
        return None
    return str(link.get("ifname"))


def show(checks: Iterable[Check], paint: Paint) -> str:
    tones = {Verdict.OK: Tone.GOOD, Verdict.WARN: Tone.DOUBT, Verdict.FAIL: Tone.BAD}
    checks = list(checks)
    rows: list[list[Cell]] = [[(each.verdict.value, tones[each.verdict]), each.what, each.found] for each in checks]
    lines = table(["", "CHECK", "FOUND"], rows, paint)
    remedies = dict.fromkeys(f"  {each.what}: {each.remedy}" for each in checks if each.verdict is not Verdict.OK)
    return "\n".join([*lines, *(["", *remedies] if remedies else [])]) + "\n"
