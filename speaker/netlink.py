"""The kernel's word on this node: which address leads to a peer, which addresses are ours, which VIPs we bound.

Of addresses and routes it writes only such as carry our protocol number.
"""

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address, ip_network
from socket import AF_INET, AF_INET6
from typing import Any, Self

from pyroute2 import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkError

from bgp_config.names import IPAddress, Prefix
from speaker.peering import NodeNetwork, Source

ADDRESS_PROTOCOL = 72
"""IFA_PROTO of the addresses that Herald adds (Linux 5.18), and the protocol of its routes: how they are told from anybody
else's after a crash."""
VIP_DEVICES = frozenset({"lo", "kube-ipvs0"})
"""Devices on which VIPs live by others' hand (kube-proxy in IPVS mode, an operator): not the host's own addresses."""
IFA_F_NODAD = 0x02
UNUSABLE = 0x01 | 0x08 | 0x20 | 0x40
"""Of IPv6 addresses: IFA_F_TEMPORARY, DADFAILED, DEPRECATED and TENTATIVE."""
GLOBAL = 0
FOREVER = 0xFFFFFFFF
LOOPBACK_INDEX = 1
ANSWER_LIMIT_S = 1.0
"""How long the loop waits for what it asks of the kernel at once."""
RTN_BLACKHOLE = 6
RTN_UNREACHABLE = 7
FIB_RULE_INVERT = 0x02
GUARD_TABLE = 7272
"""The routing table of --guard-pools, and the priority of the rules that lead to it: behind local, before main."""
LAST_METRIC = 2**32 - 2
"""Behind any other route for the same prefix. The very last number means the default of IPv6 to some."""


class Netlink:
    """An open rtnetlink socket in the namespace of this process. Use with `async with`. Raises NetlinkError."""

    def __init__(self) -> None:
        self._ip = AsyncIPRoute()

    async def __aenter__(self) -> Self:
        await self._ip.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._ip.__aexit__(*exc)

    async def observe(self, peers: Iterable[IPAddress], previous: NodeNetwork) -> NodeNetwork:
        """How the peers are reached, and the host's own addresses.

        A source address is kept as long as the host has it: a route that is away for a while, with a link, must not turn
        a session into another one.
        """
        links = {link["index"]: link.get("ifname") async for link in await self._ip.link("dump")}
        messages = [m async for m in await self._ip.addr("dump")]
        addresses = [(_address(m), links.get(m["index"]), m.get("proto")) for m in messages]
        present = {address for address, _, _ in addresses}
        sources: dict[IPAddress, Source] = {}
        for peer in peers:
            known = previous.sources.get(peer)
            source = known if known and known.on_link and known.address in present else await self._source(peer)
            if source:
                sources[peer] = source
        own = {a for a, device, proto in addresses if device not in VIP_DEVICES and proto != ADDRESS_PROTOCOL}
        return NodeNetwork(sources=sources, addresses=frozenset(own), companions=_companions(messages))

    async def _source(self, peer: IPAddress) -> Source | None:
        try:
            routes = list(await self._ip.route("get", dst=str(peer)))
        except NetlinkError:  # no route to it
            return None
        for route in routes:
            if source := route.get("prefsrc"):
                gateway = route.get("gateway") or route.get("via")
                return Source(ip_address(source), on_link=gateway is None)
        return None

    async def device(self, wanted: str) -> int:
        """Index of the device for VIPs: of this name, made as a dummy if need be; `lo` where the kernel has no dummy."""
        index = await self._index(wanted)
        if index is None:
            try:
                await self._ip.link("add", ifname=wanted, kind="dummy")
            except NetlinkError:
                wanted = "lo"
            index = await self._index(wanted)
            await self._ip.link("set", index=index, state="up")
        return index or LOOPBACK_INDEX

    async def bound(self) -> dict[IPAddress, int]:
        """The addresses that carry our mark, on whatever device, by its index."""
        marked = [m async for m in await self._ip.addr("dump") if m.get("proto") == ADDRESS_PROTOCOL]
        return {_address(m): m["index"] for m in marked}

    async def bind(self, vip: IPAddress, index: int) -> None:
        """Adds the VIP as a host address; an IPv6 one never as a source of the host's own connections."""
        extra = {"flags": IFA_F_NODAD, "preferred": 0, "valid": FOREVER} if isinstance(vip, IPv6Address) else {}
        await self._ip.addr(
            "add", index=index, address=str(vip), prefixlen=vip.max_prefixlen, proto=ADDRESS_PROTOCOL, **extra
        )

    async def unbind(self, vip: IPAddress, index: int) -> None:
        await self._ip.addr("del", index=index, address=str(vip), prefixlen=vip.max_prefixlen)

    async def unreachable(self) -> set[Prefix]:
        """The unreachable routes that carry our mark."""
        routes = [m async for m in await self._ip.route("dump", proto=ADDRESS_PROTOCOL)]
        return {ip_network(f"{m.get('dst')}/{m['dst_len']}") for m in routes if m["type"] == RTN_UNREACHABLE}

    async def add_unreachable(self, prefix: Prefix) -> None:
        await self._ip.route("replace", dst=str(prefix), type="unreachable", proto=ADDRESS_PROTOCOL, priority=LAST_METRIC)

    async def remove_unreachable(self, prefix: Prefix) -> None:
        await self._ip.route("del", dst=str(prefix), type="unreachable", proto=ADDRESS_PROTOCOL, priority=LAST_METRIC)

    async def blackholes(self) -> set[Prefix]:
        """The blackholes of our own table."""
        found: set[Prefix] = set()
        for family in (AF_INET, AF_INET6):
            routes = [m async for m in await self._ip.route("dump", table=GUARD_TABLE, family=family)]
            found |= {ip_network(f"{m.get('dst')}/{m['dst_len']}") for m in routes if m["type"] == RTN_BLACKHOLE}
        return found

    async def add_blackhole(self, prefix: Prefix) -> None:
        await self._ip.route("replace", dst=str(prefix), type="blackhole", table=GUARD_TABLE, proto=ADDRESS_PROTOCOL)

    async def remove_blackhole(self, prefix: Prefix) -> None:
        await self._ip.route("del", dst=str(prefix), type="blackhole", table=GUARD_TABLE)

    async def ensure_blackhole_rules(self) -> None:
        """What is not of this host's own making is routed by our own table first."""
        for family in (AF_INET, AF_INET6):
            rules = [m async for m in await self._ip.rule("dump", family=family)]
            if not any(m.get("FRA_TABLE") == GUARD_TABLE for m in rules):
                await self._ip.rule(
                    "add",
                    family=family,
                    table=GUARD_TABLE,
                    priority=GUARD_TABLE,
                    iifname="lo",
                    flags=FIB_RULE_INVERT,
                    protocol=ADDRESS_PROTOCOL,
                )

    async def _index(self, device: str) -> int | None:
        found = await self._ip.link_lookup(ifname=device)
        return found[0] if found else None


def _companions(messages: Iterable[Any]) -> dict[IPAddress, IPAddress]:
    """For each address the first one of the other family on its device, of those that others can use and that stay."""
    usable: dict[int, dict[int, list[IPAddress]]] = {}
    for message in messages:
        address = _address(message)
        unusable = isinstance(address, IPv6Address) and message["flags"] & UNUSABLE
        if message["scope"] == GLOBAL and message.get("proto") != ADDRESS_PROTOCOL and not unusable:
            usable.setdefault(message["index"], {4: [], 6: []})[address.version].append(address)
    return {
        address: min(by_version[10 - address.version], key=int)
        for by_version in usable.values()
        for addresses in by_version.values()
        for address in addresses
        if by_version[10 - address.version]
    }


def _address(message: Any) -> IPAddress:  # noqa: ANN401 -- pyroute2's messages have no types
    return ip_address(message.get("local") or message.get("address"))
