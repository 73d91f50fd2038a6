"""How a topology is built from what the kernel has: namespaces, veth pairs, addresses, routes, sysctls, one nft ruleset.

Pure: topology in, `ip` batch lines and file contents out. A cable is two veth pairs whose inner ends meet in the lab's
`wire` namespace, where nft forwards every frame from one to the other. So pulling a cable (inner ends down) is loss of
carrier at both machines and no more, and silencing it (frames dropped on the wire) is seen by neither.
"""

from collections.abc import Iterator

from herald.lab.topology import Cable, Control, MachineName, Node, Topology

WIRE = MachineName("wire")

INNER_INDEX = 1000
"""Inner ends count from here. The kernel reports a loss of carrier late (up to a second) where both ends of a veth pair
happen to have the same ifindex in their namespaces, since it takes such a device for one without a link below."""

WIRE_SYSCTLS = {"ipv6/conf/default/disable_ipv6": "1"}
"""The wire is no neighbor: its devices say nothing of their own."""


def namespace_of(lab: str, machine: str) -> str:
    return f"hl-{lab}-{machine}"


def inner_ends(cable: Cable) -> tuple[str, str]:
    """The devices in the wire namespace, the one that faces the upper machine first."""
    upper, lower = cable.upper.machine, cable.lower.machine
    return f"{upper}-{lower}", f"{lower}-{upper}"


def inner_end(cable: Cable, machine: str) -> str:
    """The device in the wire namespace that faces this machine."""
    upper, lower = inner_ends(cable)
    return upper if cable.upper.machine == machine else lower


def namespaces(topology: Topology, lab: str) -> list[str]:
    return [namespace_of(lab, machine) for machine in (WIRE, *topology.machines)]


def link_commands(topology: Topology, lab: str) -> Iterator[str]:
    """For `ip -batch` outside of the namespaces; no device exists there for a moment."""
    wire, index = namespace_of(lab, WIRE), INNER_INDEX
    for cable in topology.cables:
        for end, inner in zip((cable.upper, cable.lower), inner_ends(cable), strict=True):
            outer = f"link add {end.device} netns {namespace_of(lab, end.machine)}"
            yield f"{outer} type veth peer name {inner} index {index} netns {wire}"
            index += 1


def machine_commands(topology: Topology, machine: str) -> Iterator[str]:
    """For `ip -n NAMESPACE -batch`: addresses, links up, default routes."""
    yield "link set lo up"
    for host in _hosts(topology):
        if host.name == machine:
            yield from (f"address add {interface} dev lo" for interface in host.addresses)
    for cable in topology.cables_of(machine):
        for end in (cable.upper, cable.lower):
            if end.machine == machine:
                yield from (f"address add {interface} dev {end.device}" for interface in end.addresses)
                yield f"link set {end.device} up"
    yield from _default_routes(topology, machine)
    yield from _management_routes(topology, machine)


def _hosts(topology: Topology) -> tuple[Node | Control, ...]:
    """The machines whose own addresses are on lo."""
    return topology.nodes if topology.control is None else (*topology.nodes, topology.control)


def _management_routes(topology: Topology, machine: str) -> Iterator[str]:
    """Nodes reach the control plane and one another through it."""
    if topology.control is None:
        return
    for node in topology.nodes:
        cable = topology.cable(node.name, topology.control.name)
        if machine == node.name:
            for network in topology.control.networks:
                yield f"route add {network} via {cable.upper.address(network.version)} dev {topology.control.name}"
        elif machine == topology.control.name:
            for interface in node.addresses:
                yield f"route add {interface} via {cable.lower.address(interface.version)} dev {node.name}"


def _default_routes(topology: Topology, machine: str) -> Iterator[str]:
    """Nodes and clients send everything to all routers above them; routers learn what they need by BGP."""
    gateways = topology.gateways(machine)
    if not gateways or machine in {router.name for router in topology.routers}:
        return
    for version, everything in ((4, "0.0.0.0/0"), (6, "::/0")) if topology.settings.ipv6 else ((4, "0.0.0.0/0"),):
        hops = " ".join(f"nexthop via {end.address(version)} dev {end.machine}" for end in gateways)
        yield f"route add {everything} {hops}"


def wire_commands(topology: Topology) -> Iterator[str]:
    for cable in topology.cables:
        yield from (f"link set {inner} up" for inner in inner_ends(cable))


def wire_ruleset(topology: Topology) -> str:
    """For `nft -f` in the wire namespace. What is in the set `silenced` is dropped where it comes in."""
    chains = []
    for cable in topology.cables:
        one, other = inner_ends(cable)
        chains += [_forward(one, other), _forward(other, one)]
    return "\n".join(["table netdev wire {", " set silenced { type ifname; }", *chains, "}", ""])


def _forward(came_in: str, goes_out: str) -> str:
    hook = f'type filter hook ingress device "{came_in}" priority 0;'
    return f' chain {came_in.replace("-", "_")} {{ {hook} iifname @silenced drop; fwd to "{goes_out}"; }}'


def sysctls(topology: Topology, machine: str, *, hash_seed: bool) -> dict[str, str]:
    """What is written below /proc/sys/net before the machine has any device. `hash_seed`: the kernel has one per namespace.

    All namespaces share one seed otherwise: every router would pick by the same hash, and the second ECMP stage would use
    one link only. There the spine hashes over addresses alone, and the client's several addresses spread the flows.
    """
    router = next((router for router in topology.routers if router.name == machine), None)
    layer4 = hash_seed or router != topology.spine
    settings = {
        **{f"ipv{version}/fib_multipath_hash_policy": "1" if layer4 else "0" for version in (4, 6)},
        "ipv6/conf/default/accept_dad": "0",
        "ipv6/conf/default/accept_ra": "0",
    }
    for scope in ("all", "default"):
        settings[f"ipv4/conf/{scope}/rp_filter"] = "0" if router else "2"
        settings |= {f"ipv{version}/conf/{scope}/ignore_routes_with_linkdown": "1" for version in (4, 6)}
    if hash_seed:
        settings["ipv4/fib_multipath_hash_seed"] = str(_seed(topology, machine))
    if router or _forwards(topology, machine):
        settings |= {"ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1"}
    return settings


def _forwards(topology: Topology, machine: str) -> bool:
    """kube-proxy on a node sends on to endpoints of other nodes; the control plane carries that."""
    return topology.control is not None and any(machine == host.name for host in _hosts(topology))


def _seed(topology: Topology, machine: str) -> int:
    """One per machine and the same in every run, so that a run can be repeated; far apart in its bits."""
    return (topology.machines.index(MachineName(machine)) + 1) * 0x9E3779B1 % 2**32
