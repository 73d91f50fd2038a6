"""`herald status` as text: nodes, sessions, and for each VIP which nodes announce it and why others do not. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from bgp_config.status.node import BGPNodeStatus, DataPathState
from bgp_config.status.session import BFDState, BGPSessionStatus, SessionBFD, State
from herald.kube.objects import ObjectKey
from herald.status import drains
from herald.status.answer import Answer, NodeAnswer, ServiceFact
from herald.status.text import Cell, Paint, Tone, ago, some, table
from speaker.account import ServiceAccount, VIPAccount
from speaker.reach import NOTHING_HERE

SILENT = "speakerSilent"
SESSIONS_DOWN = "sessionsDown"
_MEANINGS = {
    SILENT: "no word from the node's speaker: its routes are withdrawn by now, or it cannot reach the API server",
    SESSIONS_DOWN: "the node would announce it, but has no session with a router that shall have it",
}
_STATES = {State.ESTABLISHED: Tone.GOOD, State.DOWN: Tone.BAD, State.UNKNOWN: Tone.DOUBT}
_DATA_PATH = {DataPathState.HEALTHY: Tone.GOOD, DataPathState.UNHEALTHY: Tone.BAD, DataPathState.UNKNOWN: Tone.DOUBT}


def overview(answer: Answer, now: datetime, paint: Paint) -> str:
    """The whole of it."""
    lines = [paint("NODES", Tone.HEAD), *nodes(answer, now, paint)]
    lines += drains.section(answer.drains, now, paint)
    lines += ["", paint("SESSIONS", Tone.HEAD), *sessions(answer.nodes, now, paint)]
    lines += ["", paint("VIPS", Tone.HEAD), *vips(answer, paint)]
    if answer.left_out:
        lines += [
            f"  {answer.left_out:,} more Services, which no speaker names as not normal: --all decides about each of them,",
            "  which takes its time, svc NAMESPACE/NAME about one.",
        ]
    if answer.problems:
        lines += ["", paint("PROBLEMS", Tone.HEAD), *(f"  {paint(problem, Tone.BAD)}" for problem in answer.problems)]
    if meanings := list(remedies(answer)):
        lines += ["", paint("REASONS", Tone.HEAD), *meanings]
    lines += ["", paint(_source(answer), Tone.FAINT)]
    return "\n".join(lines) + "\n"


def _source(answer: Answer) -> str:
    if answer.live:
        return f"Read from {answer.source}."
    return f"What speakers would do, decided from {answer.source}.\nherald status --local asks one that runs."


def nodes(answer: Answer, now: datetime, paint: Paint) -> list[str]:
    head = ["NODE", "SPEAKER", "HEARD", "SESSIONS", "ANNOUNCES", "DATA PATH", "CONFIG", "VERSION"]
    return table(head, (_node(node, now, answer) for node in answer.nodes), paint)


def _node(node: NodeAnswer, now: datetime, answer: Answer) -> list[Cell]:
    up = sum(session.state is State.ESTABLISHED for session in node.sessions)
    wanted = len(node.sessions)
    announced = _announced(node) if answer.left_out else sum(is_announced(node, v) for s in node.services for v in s.vips)
    tone = Tone.GOOD if up == wanted else Tone.BAD
    counted: Cell = (f"{up} of {wanted}", tone) if answer.live else f"{wanted}"
    status = node.bgp_node
    known: list[Cell] = ["", "", ""]
    if status:
        known = [_data_path(status), status.config.hash if status.config else "", status.version]
    heard = f"{ago(status.heartbeat, now)} ago" if status and status.heartbeat else ""
    return [
        node.node,
        _speaker(node, live=answer.live),
        heard,
        counted,
        f"{announced} VIP{'s' if announced != 1 else ''}",
        *known,
    ]


def _announced(node: NodeAnswer) -> int:
    """By the speaker's own word."""
    counts = node.bgp_node.counts if node.bgp_node else None
    return counts.announced if counts and not node.silent else 0


def _speaker(node: NodeAnswer, *, live: bool) -> Cell:
    if not live:
        return ""
    if node.silent:
        return ("silent", Tone.BAD) if node.bgp_node else ("none", Tone.BAD)
    ready = next((c for c in node.bgp_node.conditions if c.type == "Ready"), None) if node.bgp_node else None
    if ready is None:
        return "not known yet", Tone.DOUBT
    drain = node.bgp_node.drain if node.bgp_node else None
    if drain:
        return drain.reason, Tone.DOUBT
    return (ready.reason, Tone.GOOD if ready.reason == "Ready" else Tone.BAD)


def _data_path(status: BGPNodeStatus) -> Cell:
    if status.data_path is None:
        return ""
    if status.data_path.state is DataPathState.NOT_CHECKED:
        return "not checked", Tone.FAINT
    return f"{status.data_path.kind} {status.data_path.state.value}", _DATA_PATH[status.data_path.state]


def sessions(answers: Iterable[NodeAnswer], now: datetime, paint: Paint) -> list[str]:
    head = ["NODE", "PEER", "ROUTER", "AS", "STATE", "FOR", "BFD", "PREFIXES", "LAST ERROR"]
    rows = [_session(node, session, now) for node in answers for session in node.sessions]
    rows += [row for node in answers for row in _refused(node)]
    return table(head, rows, paint) if rows else ["  none"]


def _session(node: NodeAnswer, session: BGPSessionStatus, now: datetime) -> list[Cell]:
    state = State.UNKNOWN if node.silent else session.state
    error = session.last_error
    said = f"{error.text}, {ago(error.at, now)} ago" if error else ""
    known = state is not State.UNKNOWN
    return [
        node.node,
        session.peer,
        session.peer_address,
        str(session.peer_asn),
        (state.value if known or node.silent else "", _STATES[state]),
        ago(session.since, now) if known else "",
        _bfd(session.bfd) if known else "",
        str(session.prefixes),
        (said, Tone.FAINT if state is State.ESTABLISHED else Tone.BAD),
    ]


def _bfd(bfd: SessionBFD | None) -> Cell:
    """Its state, or why it keeps the BGP session closed or without routes."""
    if bfd is None:
        return ""
    if bfd.reason:
        return bfd.reason, Tone.BAD
    return bfd.state.value, Tone.GOOD if bfd.state is BFDState.UP else Tone.DOUBT


def _refused(node: NodeAnswer) -> Iterator[list[Cell]]:
    """Peers that select the node and cannot have a session; and whatever else stands in its way."""
    there = {session.peer for session in node.sessions}
    for error in node.bgp_node.errors if node.bgp_node else ():
        peer = error.about.removeprefix("BGPPeer/")
        if peer not in there:
            yield [node.node, peer, "", "", (error.reason, Tone.BAD), "", "", "", (error.message, Tone.BAD)]


def vips(answer: Answer, paint: Paint) -> list[str]:
    by_service: defaultdict[ObjectKey, dict[str, ServiceAccount]] = defaultdict(dict)
    for node in answer.nodes:
        for account in node.services:
            by_service[ObjectKey(account.namespace, account.name)][node.node] = account
    facts = {fact.key: fact for fact in answer.services}
    nodes = {node.node: node for node in answer.nodes}
    rows = [
        row for key in sorted({*by_service, *facts}) for row in _service(key, by_service.get(key, {}), facts.get(key), nodes)
    ]
    return table(["SERVICE", "VIP", "NODES", "ANNOUNCED BY", "NOT BY"], rows, paint) if rows else ["  none"]


def _service(
    key: ObjectKey, accounts: Mapping[str, ServiceAccount], fact: ServiceFact | None, nodes: Mapping[str, NodeAnswer]
) -> Iterator[list[Cell]]:
    addresses = list(dict.fromkeys(vip.vip for account in accounts.values() for vip in account.vips))
    for address in addresses:
        found = {node: vip for node, account in accounts.items() for vip in account.vips if vip.vip == address}
        yield [str(key), address, *_where(found, nodes)]
    if not addresses or (fact and fact.pending):
        reasons = {account.reason for account in accounts.values() if account.reason}
        why = f"{fact.pending}: {fact.message}" if fact and fact.pending else ", ".join(sorted(reasons))
        yield [str(key), ("no VIP" if not addresses else "", Tone.BAD), "", "", (why, Tone.BAD)]


def is_announced(node: NodeAnswer, vip: VIPAccount) -> bool:
    """To at least one router, as far as is known."""
    return not why_not(node, vip)


def why_not(node: NodeAnswer, vip: VIPAccount) -> str:
    """Empty if the node announces it."""
    if node.silent:
        return SILENT
    if vip.state == "withdrawn":
        return vip.reason
    down = {each.peer for each in node.sessions if each.state is State.DOWN or (each.bfd and each.bfd.reason)}
    peers = {route.peer for route in vip.routes if not route.withheld}
    return SESSIONS_DOWN if peers and peers <= down else ""


def _where(found: Mapping[str, VIPAccount], nodes: Mapping[str, NodeAnswer]) -> list[Cell]:
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for node, vip in found.items():
        by_reason[why_not(nodes[node], vip)].append(node)
    announcing = by_reason.pop("", [])
    expected = len(announcing) + sum(len(nodes) for reason, nodes in by_reason.items() if reason not in NOTHING_HERE)
    tone = Tone.GOOD if len(announcing) == expected else Tone.DOUBT
    if not announcing:
        tone = Tone.BAD if expected or len(found) > 1 else Tone.FAINT
    worst = Tone.FAINT if by_reason.keys() <= NOTHING_HERE else Tone.DOUBT
    for node in announcing:
        if found[node].reason:  # least preferred, or not to all
            by_reason[f"{found[node].reason}, still announced"].append(node)
    reasons = "; ".join(f"{reason}: {some(nodes)}" for reason, nodes in sorted(by_reason.items()))
    return [(f"{len(announcing)} of {len(found)}", tone), some(announcing), (reasons, worst)]


def remedies(answer: Answer) -> Iterator[str]:
    """What each reason that is shown means, once."""
    accounts = [account for node in answer.nodes for account in node.services]
    meanings: dict[str, str] = {vip.reason: vip.remedy for account in accounts for vip in account.vips if vip.reason}
    meanings |= {account.reason: account.remedy for account in accounts if account.reason}
    if any(node.silent for node in answer.nodes):
        meanings[SILENT] = (
            "no word from the node's speaker: its routes are withdrawn by now, or it cannot reach the API server"
        )
    return (f"  {reason}: {meaning}" for reason, meaning in sorted(meanings.items()))
