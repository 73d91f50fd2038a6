"""FRR's configuration of top-of-rack routers: that which the lab's routers run in every test (herald/lab/frr.py)."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network

from herald.lab.frr import bfdd_config, bgpd_config, zebra_config
from herald.lab.topology import Bfd, Peering, Router, Settings, Topology, rack
from scripts.docs import markdown
from scripts.docs.markdown import fence

_HEAD = """\
These are the configurations that the routers of Herald's lab run: the tests, the demo and the benchmarks build
their network with exactly these lines, on FRR 8.4.4. [Top-of-rack routers](../tor.md) says why each line is there.

In the lab `tor1` (AS 65001) and `tor2` (AS 65002) each have a routed port per node: on `torT` the port to `nodeN` is
`10.T.N.0/31`, where the node has `10.T.N.1`. Above them is `spine` (AS 65100). Nodes are AS 64512. VIPs are from
198.51.100.0/24 and 2001:db8:100::/112."""
_POOLS = (IPv4Network("198.51.100.0/24"), IPv6Network("2001:db8:100::/112"))
_PASSWORDS = {"node1-tor1": "correct-horse", "node2-tor1": "battery-staple"}


def page() -> str:
    return markdown.page("FRR configurations", _HEAD, *_chapters())


def topologies() -> list[Topology]:
    """Those of the page."""
    return [_plain(), _dual(), _bfd(), _internal()]


def _chapters() -> Iterator[str]:
    plain, dual, bfd, internal = topologies()
    yield "## eBGP, a neighbor for each node port"
    yield _bgpd(plain, plain.tors[0])
    yield fence("frr", zebra_config(plain.tors[0], plain), "tor1: zebra.conf")
    yield "## eBGP, a listen range, graceful restart"
    yield "The router takes any node of the range. No list of neighbors has to follow the cluster."
    yield _bgpd(plain, plain.tors[1])
    yield "## IPv4 and IPv6, passwords on two ports"
    yield _bgpd(dual, dual.tors[0])
    yield "## With BFD"
    yield _bgpd(bfd, bfd.tors[0])
    yield fence("frr", bfdd_config(bfd.tors[0], bfd) or "", "tor1: bfdd.conf")
    yield "## iBGP: nodes in the routers' own AS"
    yield _bgpd(internal, internal.tors[0])


def _bgpd(topology: Topology, router: Router) -> str:
    return fence("frr", bgpd_config(router, topology), f"{router.name}: bgpd.conf")


def _plain() -> Topology:
    return rack(Settings(pools=_POOLS))


def _dual() -> Topology:
    return rack(Settings(pools=_POOLS, ipv6=True, passwords=_PASSWORDS))


def _bfd() -> Topology:
    return rack(Settings(pools=_POOLS, bfd=Bfd()))


def _internal() -> Topology:
    return rack(Settings(pools=_POOLS, peering=Peering.IBGP))
