"""The lab's networks as data: which machines there are, how they are cabled, which address each port has.

Pure. Every address follows from the numbers of ToR and node, the same in every lab, since each lab lives in network
namespaces of its own. Invariants: every cable is a routed point-to-point link or a client LAN; `upper` is the end nearer
to the spine; device names are the name of the machine at the other end.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Interface, IPv6Network
from itertools import chain
from typing import NewType

from bgp_config.names import ASN, IPAddress, Prefix

MachineName = NewType("MachineName", str)
Interface = IPv4Interface | IPv6Interface

SPINE = MachineName("spine")
CONTROL = MachineName("control")
SPINE_ASN = ASN(65100)
NODE_ASN = ASN(64512)
INTERNAL_ASN = ASN(65000)
POOLS: tuple[Prefix, ...] = (IPv4Network("198.51.100.0/24"), IPv6Network("2001:db8:100::/112"))
CLIENT_ADDRESSES = 8
DEFAULT_NODES = 3
MAX_NODES = 250


class Shape(StrEnum):
    """The networks that can be built."""

    RACK = "rack"
    TWO_RACKS = "two-racks"


class Peering(StrEnum):
    """How the nodes peer with the ToRs: from an AS of their own, or from the ToRs' AS."""

    EBGP = "ebgp"
    IBGP = "ibgp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bfd:
    """What the ToRs ask of the nodes' ports, in both directions."""

    interval_ms: int = 300
    multiplier: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What may differ between two labs of one shape. Times in seconds.

    `nodes` counts only in a rack; two racks always have three. `passwords`: TCP MD5 by node port, as in {"node1-tor1":
    "secret"}. `graceful_restart`: the last ToR restarts gracefully (RFC 4724). `control`: there is a control plane.
    `bfd`: the ToRs bind their sessions with nodes to BFD. `strips_communities`: the ToRs take none from nodes, so they
    honour no GRACEFUL_SHUTDOWN either.
    """

    nodes: int = DEFAULT_NODES
    peering: Peering = Peering.EBGP
    ipv6: bool = False
    hold_time_s: int = 9
    keepalive_time_s: int = 3
    max_prefixes: int = 20_000
    graceful_restart: bool = True
    passwords: Mapping[str, str] = field(default_factory=dict)
    pools: tuple[Prefix, ...] = POOLS
    control: bool = False
    bfd: Bfd | None = None
    strips_communities: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One end of a cable: the port of a machine, with its addresses. `device` is its name on that machine."""

    machine: MachineName
    device: str
    addresses: tuple[Interface, ...]

    def address(self, version: int) -> IPAddress:
        return next(interface.ip for interface in self.addresses if interface.version == version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cable:
    upper: End
    lower: End

    def joins(self, one: str, other: str) -> bool:
        return {self.upper.machine, self.lower.machine} == {one, other}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A Kubernetes node: on every ToR that it is cabled to, its own addresses on lo, the first one being its router ID."""

    name: MachineName
    asn: ASN
    addresses: tuple[Interface, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """The spine or a ToR. `listens`: it takes any peer of its node ports' range instead of naming each."""

    name: MachineName
    asn: ASN
    router_id: IPv4Address
    listens: tuple[Prefix, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A host on a LAN of its own behind one router; it has several addresses, so that ECMP has something to hash."""

    name: MachineName
    lan: tuple[Prefix, ...]
    addresses: tuple[Interface, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The machine of the control plane, on a management network: cabled to every node, it also carries what nodes send to
    one another (`networks`), as a pod network does. Its own address is on lo.
    """

    name: MachineName
    networks: tuple[Prefix, ...]
    addresses: tuple[Interface, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    shape: Shape
    settings: Settings
    spine: Router
    tors: tuple[Router, ...]
    nodes: tuple[Node, ...]
    clients: tuple[Client, ...]
    cables: tuple[Cable, ...]
    control: Control | None = None

    @property
    def routers(self) -> tuple[Router, ...]:
        return (self.spine, *self.tors)

    @property
    def machines(self) -> tuple[MachineName, ...]:
        control = () if self.control is None else (self.control,)
        machines: tuple[Router | Node | Client | Control, ...] = (*self.routers, *self.nodes, *self.clients, *control)
        return tuple(machine.name for machine in machines)

    def cable(self, one: str, other: str) -> Cable:
        """The cable between two machines. KeyError if there is none."""
        for cable in self.cables:
            if cable.joins(one, other):
                return cable
        raise KeyError(f"no cable between {one} and {other}")

    def cables_of(self, machine: str) -> tuple[Cable, ...]:
        return tuple(cable for cable in self.cables if machine in {cable.upper.machine, cable.lower.machine})

    def tors_of(self, node: str) -> tuple[MachineName, ...]:
        return tuple(end.machine for end in self.gateways(node))

    def gateways(self, machine: str) -> tuple[End, ...]:
        """Where a node or client sends what is not its own: the upper ends of its cables to routers."""
        uppers = (cable.upper for cable in self.cables if cable.lower.machine == machine)
        return tuple(end for end in uppers if end.machine != CONTROL)


def build(shape: Shape, settings: Settings) -> Topology:
    """The network of that shape. ValueError if it cannot have so many nodes."""
    if not 1 <= settings.nodes <= MAX_NODES:
        raise ValueError(f"a lab has 1 to {MAX_NODES} nodes, not {settings.nodes}")
    return rack(settings) if shape is Shape.RACK else two_racks(settings)


def rack(settings: Settings | None = None) -> Topology:
    """A client - spine - tor1, tor2 - node1 ... nodeN, each node on both ToRs."""
    settings = settings or Settings()
    numbers = range(1, settings.nodes + 1)
    return _assemble(Shape.RACK, settings, ("tor1", "tor2"), dict.fromkeys(numbers, (1, 2)), clients_at_tors=False)


def two_racks(settings: Settings | None = None) -> Topology:
    """Two ToRs in different racks: node1 on A, node2 on both, node3 on B; a client behind the spine and each ToR."""
    settings = settings or Settings()
    return _assemble(Shape.TWO_RACKS, settings, ("torA", "torB"), {1: (1,), 2: (1, 2), 3: (2,)}, clients_at_tors=True)


def _assemble(
    shape: Shape,
    settings: Settings,
    tor_names: tuple[str, ...],
    ports: Mapping[int, tuple[int, ...]],
    *,
    clients_at_tors: bool,
) -> Topology:
    internal = settings.peering is Peering.IBGP
    tors = tuple(
        Router(
            name=MachineName(name),
            asn=INTERNAL_ASN if internal else ASN(65000 + number),
            router_id=IPv4Address(f"10.255.0.{number}"),
            listens=_families(settings, f"10.{number}.0.0/16", f"fd00:{number}::/32") if number == len(tor_names) else (),
        )
        for number, name in enumerate(tor_names, 1)
    )
    client, client_cable = _client("client", SPINE, 9, settings)
    clients, cables = [client], [client_cable]
    for number, tor in enumerate(tors if clients_at_tors else (), 1):
        client, client_cable = _client(tor.name.replace("tor", "client"), tor.name, 90 + number, settings)
        clients.append(client)
        cables.append(client_cable)
    return Topology(
        shape=shape,
        settings=settings,
        spine=Router(name=SPINE, asn=SPINE_ASN, router_id=IPv4Address("10.255.0.100")),
        tors=tors,
        nodes=tuple(_node(number, settings) for number in ports),
        clients=tuple(clients),
        cables=tuple(
            chain(cables, _uplinks(tors, settings), _node_ports(tors, ports, settings), _management_ports(ports, settings))
        ),
        control=_control(settings) if settings.control else None,
    )


def _uplinks(tors: tuple[Router, ...], settings: Settings) -> Iterator[Cable]:
    for number, tor in enumerate(tors, 1):
        yield _point_to_point(SPINE, tor.name, f"10.0.{number}", f"fd00:0:{number}:", settings)


def _node_ports(tors: tuple[Router, ...], ports: Mapping[int, tuple[int, ...]], settings: Settings) -> Iterator[Cable]:
    for node, tor_numbers in ports.items():
        for number in tor_numbers:
            name = MachineName(f"node{node}")
            yield _point_to_point(tors[number - 1].name, name, f"10.{number}.{node}", f"fd00:{number}:{node}:", settings)


def _management_ports(nodes: Iterable[int], settings: Settings) -> Iterator[Cable]:
    for node in nodes if settings.control else ():
        yield _point_to_point(CONTROL, MachineName(f"node{node}"), f"10.8.{node}", f"fd00:8:{node}:", settings)


def _point_to_point(upper: MachineName, lower: MachineName, v4: str, v6: str, settings: Settings) -> Cable:
    return Cable(
        upper=End(machine=upper, device=lower, addresses=_interfaces(settings, f"{v4}.0/31", f"{v6}:0/127")),
        lower=End(machine=lower, device=upper, addresses=_interfaces(settings, f"{v4}.1/31", f"{v6}:1/127")),
    )


def _node(number: int, settings: Settings) -> Node:
    return Node(
        name=MachineName(f"node{number}"),
        asn=INTERNAL_ASN if settings.peering is Peering.IBGP else NODE_ASN,
        addresses=_interfaces(settings, f"10.0.255.{number}/32", f"fd00:0:255::{number}/128"),
    )


def _control(settings: Settings) -> Control:
    return Control(
        name=CONTROL,
        networks=(
            *_families(settings, "10.8.0.0/16", "fd00:8::/32"),
            *_families(settings, "10.0.255.0/24", "fd00:0:255::/64"),
        ),
        addresses=_interfaces(settings, "10.8.0.1/32", "fd00:8::1/128"),
    )


def _client(name: str, router: MachineName, lan: int, settings: Settings) -> tuple[Client, Cable]:
    addresses = tuple(
        interface
        for host in range(10, 10 + CLIENT_ADDRESSES)
        for interface in _interfaces(settings, f"10.{lan}.0.{host}/24", f"fd00:{lan}::{host}/64")
    )
    client = Client(
        name=MachineName(name), lan=_families(settings, f"10.{lan}.0.0/24", f"fd00:{lan}::/64"), addresses=addresses
    )
    gateway = End(machine=router, device=name, addresses=_interfaces(settings, f"10.{lan}.0.1/24", f"fd00:{lan}::1/64"))
    return client, Cable(upper=gateway, lower=End(machine=client.name, device=router, addresses=addresses))


def _interfaces(settings: Settings, v4: str, v6: str) -> tuple[Interface, ...]:
    return (IPv4Interface(v4), IPv6Interface(v6)) if settings.ipv6 else (IPv4Interface(v4),)


def _families(settings: Settings, v4: str, v6: str) -> tuple[Prefix, ...]:
    return (IPv4Network(v4), IPv6Network(v6)) if settings.ipv6 else (IPv4Network(v4),)
