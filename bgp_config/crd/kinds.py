"""Herald's kinds as API servers and kubectl know them."""

from bgp_config.crd.definition import Column, Definition
from bgp_config.kind import ConfigKind
from bgp_config.parse import SPECS
from bgp_config.spec.cel import Cel
from bgp_config.spec.community import WELL_KNOWN
from bgp_config.status.condition import ConditionType, ConfigStatus
from bgp_config.status.drain import DrainStatus
from bgp_config.status.node import BGPNodeStatus
from bgp_config.status.pool import AddressPoolStatus
from bgp_config.status.session import BGPSessionStatus

_AGE = Column("Age", ".metadata.creationTimestamp", "date")


def _condition(type_: ConditionType, field: str = "status") -> str:
    return f'.status.conditions[?(@.type=="{type_}")].{field}'


_ACCEPTED = Column("Accepted", _condition(ConditionType.ACCEPTED))
_WHY_NOT_ACCEPTED = Column("Message", _condition(ConditionType.ACCEPTED, "message"), wide=True)

ADDRESS_POOL = Definition(
    kind=ConfigKind.ADDRESS_POOL.value,
    plural="addresspools",
    short_names=("hpool",),
    description="Blocks of addresses that Services of type LoadBalancer may be given.",
    spec=SPECS[ConfigKind.ADDRESS_POOL],
    status=AddressPoolStatus,
    columns=(
        Column("Blocks", ".spec.blocks", wide=True),
        Column("Auto", ".spec.autoAssign", "boolean", wide=True),
        Column("IPv4 Used", ".status.ipv4.used", "integer"),
        Column("IPv4 Total", ".status.ipv4.total", "integer"),
        Column("IPv6 Used", ".status.ipv6.used", "integer"),
        Column("IPv6 Total", ".status.ipv6.total", "integer", wide=True),
        _ACCEPTED,
        Column("Ready", _condition(ConditionType.READY)),
        _AGE,
        _WHY_NOT_ACCEPTED,
    ),
)
BGP_PEER = Definition(
    kind=ConfigKind.BGP_PEER.value,
    plural="bgppeers",
    short_names=("hpeer",),
    description="A router that the selected nodes keep a BGP session with.",
    spec=SPECS[ConfigKind.BGP_PEER],
    status=ConfigStatus,
    columns=(
        Column("Address", ".spec.peerAddress"),
        Column("ASN", ".spec.peerASN", "integer"),
        Column("Local ASN", ".spec.localASN", "integer"),
        Column("Hold", ".spec.holdTimeSeconds", "integer", wide=True),
        Column("Max", ".spec.maxPrefixes", "integer", wide=True),
        Column("Secret", ".spec.passwordSecret.name", wide=True),
        _ACCEPTED,
        _AGE,
        _WHY_NOT_ACCEPTED,
    ),
)
BGP_ADVERTISEMENT = Definition(
    kind=ConfigKind.BGP_ADVERTISEMENT.value,
    plural="bgpadvertisements",
    short_names=("hadv",),
    description="Which Services' addresses are announced by which nodes to which peers, and with what attributes.",
    spec=SPECS[ConfigKind.BGP_ADVERTISEMENT],
    status=ConfigStatus,
    columns=(
        Column("Pools", ".spec.pools"),
        Column("Peers", ".spec.peers"),
        Column("Communities", ".spec.communities", wide=True),
        Column("Local Pref", ".spec.localPref", "integer", wide=True),
        Column("MED", ".spec.med", "integer", wide=True),
        Column("Prepend", ".spec.asPathPrepend", "integer", wide=True),
        _ACCEPTED,
        _AGE,
        _WHY_NOT_ACCEPTED,
    ),
)
COMMUNITY = Definition(
    kind=ConfigKind.COMMUNITY.value,
    plural="communities",
    short_names=("hcomm",),
    description="A BGP community value with a name, which advertisements may use.",
    spec=SPECS[ConfigKind.COMMUNITY],
    status=ConfigStatus,
    columns=(Column("Value", ".spec.value"), _ACCEPTED, _AGE, _WHY_NOT_ACCEPTED),
    rules=(
        Cel(
            f"!(self.metadata.name in {list(WELL_KNOWN)})",
            f"must not have the name of a well-known community: {', '.join(WELL_KNOWN)}",
        ),
    ),
)
BFD_PROFILE = Definition(
    kind=ConfigKind.BFD_PROFILE.value,
    plural="bfdprofiles",
    short_names=("hbfd",),
    description="How routers are watched by BFD, so that a silent one is noticed at once.",
    spec=SPECS[ConfigKind.BFD_PROFILE],
    status=ConfigStatus,
    columns=(
        Column("Interval ms", ".spec.intervalMilliseconds", "integer"),
        Column("Multiplier", ".spec.multiplier", "integer"),
        Column("Passive", ".spec.passive", "boolean", wide=True),
        Column("Strict", ".spec.strict", "boolean", wide=True),
        _ACCEPTED,
        _AGE,
        _WHY_NOT_ACCEPTED,
    ),
)
HEALTH_CHECK = Definition(
    kind=ConfigKind.HEALTH_CHECK.value,
    plural="healthchecks",
    short_names=("hhc",),
    description="How speakers probe the endpoints of their own node.",
    spec=SPECS[ConfigKind.HEALTH_CHECK],
    status=ConfigStatus,
    columns=(
        Column("Protocol", ".spec.protocol"),
        Column("Port", ".spec.port", "integer"),
        Column("Path", ".spec.path", wide=True),
        Column("Interval ms", ".spec.intervalMilliseconds", "integer"),
        Column("On Failure", ".spec.onFailure"),
        _ACCEPTED,
        _AGE,
        _WHY_NOT_ACCEPTED,
    ),
)
DRAIN = Definition(
    kind=ConfigKind.DRAIN.value,
    plural="drains",
    short_names=("hdrain",),
    description="Nodes that shall lose their traffic before they are worked on.",
    spec=SPECS[ConfigKind.DRAIN],
    status=DrainStatus,
    columns=(
        Column("Nodes", ".spec.nodes"),
        Column("Drained", ".status.drained", "integer"),
        Column("Of", ".status.total", "integer"),
        Column("State", _condition(ConditionType.READY, "reason")),
        Column("Seconds", ".spec.drainSeconds", "integer", wide=True),
        Column("Until", ".spec.until"),
        Column("Reason", ".spec.reason"),
        Column("Why", _condition(ConditionType.READY, "message"), wide=True),
        _ACCEPTED,
        _AGE,
        _WHY_NOT_ACCEPTED,
    ),
)
BGP_NODE = Definition(
    kind="BGPNode",
    plural="bgpnodes",
    short_names=("hnode",),
    description="How one node's speaker is, what it works with and what it does not announce. Written by Herald.",
    status=BGPNodeStatus,
    columns=(
        Column("Ready", _condition(ConditionType.READY)),
        Column("Announced", ".status.counts.announced", "integer"),
        Column("Withheld", ".status.counts.withheld", "integer"),
        Column("Established", ".status.counts.established", "integer"),
        Column("Sessions", ".status.counts.sessions", "integer"),
        Column("Drain", ".status.drain.reason"),
        Column("Data Path", ".status.dataPath.state"),
        Column("Stale", ".status.staleSince", "date"),
        Column("Version", ".status.version"),
        Column("Config", ".status.config.hash", wide=True),
        Column("Message", _condition(ConditionType.READY, "message"), wide=True),
        _AGE,
    ),
)
BGP_SESSION = Definition(
    kind="BGPSession",
    plural="bgpsessions",
    short_names=("hbs",),
    description="One BGP session of one node, as its speaker sees it. Written by Herald.",
    status=BGPSessionStatus,
    columns=(
        Column("Node", ".status.node"),
        Column("Peer", ".status.peer"),
        Column("Address", ".status.peerAddress", wide=True),
        Column("ASN", ".status.peerASN", "integer"),
        Column("State", ".status.state"),
        Column("Since", ".status.since", "date"),
        Column("Prefixes", ".status.prefixes", "integer"),
        Column("Last Error", ".status.lastError.text"),
        Column("Error At", ".status.lastError.at", "date", wide=True),
        Column("Local", ".status.localAddress", wide=True),
        Column("BFD", ".status.bfd.state", wide=True),
    ),
    selectable=(".status.node", ".status.peer", ".status.state"),
)

DEFINITIONS = (
    ADDRESS_POOL,
    BGP_PEER,
    BGP_ADVERTISEMENT,
    COMMUNITY,
    BFD_PROFILE,
    HEALTH_CHECK,
    DRAIN,
    BGP_NODE,
    BGP_SESSION,
)
