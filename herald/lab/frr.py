"""FRR's configuration of each router, as an operator would write it.

Pure: topology in, text out. Every neighbor has a policy in and out (RFC 8212). Nodes may only announce host routes of the
pools, at most maximum-prefix of them, and are told nothing. All honour GRACEFUL_SHUTDOWN (RFC 8326, section 4.2), unless
the ToRs strip communities.
"""

from collections.abc import Iterable, Iterator

from bgp_config.names import IPAddress, Prefix
from herald.lab.topology import Cable, Peering, Router, Topology

PREFIX_LIST_WORD = {4: "ip", 6: "ipv6"}
HOST_LENGTH = {4: 32, 6: 128}
MAXIMUM_PATHS = 64

POLICY = """\
bgp community-list standard GSHUT seq 5 permit graceful-shutdown
route-map ACCEPT permit 10
 match community GSHUT
 set local-preference 0
route-map ACCEPT permit 20
route-map ANNOUNCE permit 10
route-map NOTHING deny 10"""

STRIP = ["route-map STRIP permit 10", " set community none"]


def zebra_config(router: Router, topology: Topology) -> str:
    """The whole of zebra.conf.

    No nexthop objects in the kernel: when a link goes, the kernel takes its next hop out of every group; FRR 8.4 does not
    notice, and uses the group again, one next hop short, when the link is back within three minutes.
    """
    lines = ["frr defaults traditional", f"hostname {router.name}", "no zebra nexthop kernel enable", "ip forwarding"]
    if topology.settings.ipv6:
        lines.append("ipv6 forwarding")
    return "\n".join([*lines, ""])


def bgpd_config(router: Router, topology: Topology) -> str:
    """The whole of bgpd.conf."""
    is_spine = router == topology.spine
    body = _spine(topology) if is_spine else _tor(router, topology)
    prefix_lists = _spine_lists(topology) if is_spine else _tor_lists(router, topology)
    head = ["frr defaults traditional", f"hostname {router.name}"]
    strip = STRIP if topology.settings.strips_communities and not is_spine else []
    return "\n".join([*head, "!", *prefix_lists, POLICY, *strip, "!", *_router_bgp(router), *body, ""])


def bfdd_config(router: Router, topology: Topology) -> str | None:
    """The whole of bfdd.conf; None: this router runs no BFD. Its sessions are bgpd's, made as the neighbors come."""
    bfd = topology.settings.bfd
    if bfd is None or router == topology.spine:
        return None
    lines = ["frr defaults traditional", f"hostname {router.name}", "bfd", " profile NODES"]
    lines.append(f"  detect-multiplier {bfd.multiplier}")
    lines += [f"  {direction}-interval {bfd.interval_ms}" for direction in ("transmit", "receive")]
    return "\n".join([*lines, ""])


def _router_bgp(router: Router) -> list[str]:
    return [
        f"router bgp {router.asn}",
        f" bgp router-id {router.router_id}",
        " bgp log-neighbor-changes",
        " no bgp default ipv4-unicast",
        " bgp bestpath as-path multipath-relax",
    ]


def _spine(topology: Topology) -> Iterator[str]:
    uplinks = [cable for cable in topology.cables if cable.upper.machine == topology.spine.name]
    tors = {tor.name: tor for tor in topology.tors}
    for cable in uplinks:
        if cable.lower.machine in tors:
            for interface in cable.lower.addresses:
                yield f" neighbor {interface.ip} remote-as {tors[cable.lower.machine].asn}"
                yield f" neighbor {interface.ip} description {cable.lower.machine}"
                yield from _session(str(interface.ip), topology)
    for version in _versions(topology):
        neighbors = [cable.lower.address(version) for cable in uplinks if cable.lower.machine in tors]
        yield from _family(version, _lans(topology, topology.spine), (_router_policy(peer, version) for peer in neighbors))


def _tor(router: Router, topology: Topology) -> Iterator[str]:
    yield from _graceful_restart(router, topology)
    uplink = topology.cable(topology.spine.name, router.name)
    for interface in uplink.upper.addresses:
        yield f" neighbor {interface.ip} remote-as {topology.spine.asn}"
        yield f" neighbor {interface.ip} description {topology.spine.name}"
        yield from _session(str(interface.ip), topology)
    yield from _node_neighbors(router, topology)
    for version in _versions(topology):
        spine = uplink.upper.address(version)
        policies = [_router_policy(spine, version), _node_policy(version, topology)]
        if topology.settings.peering is Peering.IBGP and spine_returns_vips(topology):
            policies.append([f"neighbor {spine} allowas-in 1"])
        yield from _family(version, _lans(topology, router), policies)


def _graceful_restart(router: Router, topology: Topology) -> Iterator[str]:
    if router == topology.tors[-1] and topology.settings.graceful_restart:
        yield " bgp graceful-restart"
        yield " bgp graceful-restart preserve-fw-state"
        yield " bgp graceful-restart restart-time 30"
        yield " bgp graceful-restart stalepath-time 60"
        yield " bgp graceful-restart select-defer-time 5"


def _node_neighbors(router: Router, topology: Topology) -> Iterator[str]:
    """One peer group holds what all nodes have in common; a ToR that listens names only the ports with a password."""
    yield " neighbor NODES peer-group"
    yield f" neighbor NODES remote-as {topology.nodes[0].asn}"
    yield from _session("NODES", topology)
    if topology.settings.bfd is not None:
        yield " neighbor NODES bfd"
        yield " neighbor NODES bfd profile NODES"
    for listen in router.listens:
        yield f" bgp listen range {listen} peer-group NODES"
    if router.listens:
        yield " bgp listen limit 1000"
    for cable in _node_cables(router, topology):
        password = topology.settings.passwords.get(f"{cable.lower.machine}-{router.name}")
        if router.listens and password is None:
            continue
        for interface in cable.lower.addresses:
            yield f" neighbor {interface.ip} peer-group NODES"
            yield f" neighbor {interface.ip} description {cable.lower.machine}"
            if password is not None:
                yield f" neighbor {interface.ip} password {password}"


def _session(neighbor: str, topology: Topology) -> Iterator[str]:
    settings = topology.settings
    yield f" neighbor {neighbor} timers {settings.keepalive_time_s} {settings.hold_time_s}"
    yield f" neighbor {neighbor} timers connect 5"


def _family(version: int, networks: Iterable[Prefix], policies: Iterable[Iterable[str]]) -> Iterator[str]:
    yield f" address-family ipv{version} unicast"
    yield from (f"  network {network}" for network in networks if network.version == version)
    for policy in policies:
        yield from (f"  {line}" for line in policy)
    yield f"  maximum-paths {MAXIMUM_PATHS}"
    yield f"  maximum-paths ibgp {MAXIMUM_PATHS}"
    yield " exit-address-family"


def _router_policy(neighbor: IPAddress, version: int) -> list[str]:
    return [
        f"neighbor {neighbor} activate",
        f"neighbor {neighbor} prefix-list FABRIC-IN-V{version} in",
        f"neighbor {neighbor} prefix-list FABRIC-OUT-V{version} out",
        f"neighbor {neighbor} route-map ACCEPT in",
        f"neighbor {neighbor} route-map ANNOUNCE out",
    ]


def _node_policy(version: int, topology: Topology) -> list[str]:
    return [
        "neighbor NODES activate",
        f"neighbor NODES prefix-list VIPS-V{version} in",
        f"neighbor NODES route-map {'STRIP' if topology.settings.strips_communities else 'ACCEPT'} in",
        "neighbor NODES route-map NOTHING out",
        f"neighbor NODES maximum-prefix {topology.settings.max_prefixes}",
    ]


def spine_returns_vips(topology: Topology) -> bool:
    """Only a ToR with clients of its own has use for other racks' VIPs; else they are a detour to converge over."""
    return any(_lans(topology, tor) for tor in topology.tors)


def _tor_lists(router: Router, topology: Topology) -> Iterator[str]:
    vips = topology.settings.pools
    elsewhere = [lan for other in topology.routers if other != router for lan in _lans(topology, other)]
    for version in _versions(topology):
        yield from _prefix_list("VIPS", version, vips)
        yield from _prefix_list("FABRIC-IN", version, vips if spine_returns_vips(topology) else (), elsewhere)
        yield from _prefix_list("FABRIC-OUT", version, vips, _lans(topology, router))


def _spine_lists(topology: Topology) -> Iterator[str]:
    vips = topology.settings.pools
    theirs = [lan for tor in topology.tors for lan in _lans(topology, tor)]
    for version in _versions(topology):
        yield from _prefix_list("FABRIC-IN", version, vips, theirs)
        returned = vips if spine_returns_vips(topology) else ()
        yield from _prefix_list("FABRIC-OUT", version, returned, [*_lans(topology, topology.spine), *theirs])


def _prefix_list(name: str, version: int, pools: Iterable[Prefix], exact: Iterable[Prefix] = ()) -> Iterator[str]:
    """Host routes of the pools, and these prefixes exactly. An empty list would permit all, so the end is always said."""
    word = PREFIX_LIST_WORD[version]
    rules = [f"permit {pool} ge {HOST_LENGTH[version]}" for pool in pools if pool.version == version]
    rules += [f"permit {prefix}" for prefix in exact if prefix.version == version]
    for number, rule in enumerate([*rules, "deny any"], 1):
        yield f"{word} prefix-list {name}-V{version} seq {number * 5} {rule}"


def _lans(topology: Topology, router: Router) -> list[Prefix]:
    behind = {cable.lower.machine for cable in topology.cables if cable.upper.machine == router.name}
    return [lan for client in topology.clients if client.name in behind for lan in client.lan]


def _node_cables(router: Router, topology: Topology) -> list[Cable]:
    nodes = {node.name for node in topology.nodes}
    return [cable for cable in topology.cables if cable.upper.machine == router.name and cable.lower.machine in nodes]


def _versions(topology: Topology) -> tuple[int, ...]:
    return (4, 6) if topology.settings.ipv6 else (4,)
