"""One Service's whole story as text: its address and why, endpoints and decision per node, routes, gate, changes. Pure."""

from collections.abc import Iterator
from datetime import datetime

from bgp_config.status.session import State
from herald.status.answer import Answer, NodeAnswer, ServiceFact
from herald.status.show import is_announced, remedies, why_not
from herald.status.text import Cell, Paint, Tone, ago, table
from speaker.about import EndpointFact
from speaker.account import RouteAccount, ServiceAccount, VIPAccount
from speaker.reach import NOTHING_HERE

_TONES = {"normal": Tone.GOOD, "least_preferred": Tone.DOUBT, "withdrawn": Tone.BAD}
_FOUND = {"well": Tone.GOOD, "unknown": Tone.DOUBT, "sick": Tone.BAD}
_WORDS = {"normal": "announced", "least_preferred": "least preferred", "withdrawn": "not announced"}


def story(answer: Answer, now: datetime, paint: Paint) -> str:
    """`answer` is about one Service only."""
    fact = answer.services[0] if answer.services else None
    lines = [_title(answer, fact, paint)]
    if fact:
        lines += ["", paint("ADDRESS", Tone.HEAD), *_address(fact, paint)]
    lines += ["", paint("NODES", Tone.HEAD), *_nodes(answer, fact, paint)]
    if fact and fact.health:
        lines += ["", paint("HEALTH CHECKS", Tone.HEAD), *_health(fact, paint)]
    if routes := [row for node in answer.nodes for row in _routes(node)]:
        head = ["NODE", "PEER", "SESSION", "PREFIX", "NEXT HOP", "AS PATH", "PREF", "MED", "COMMUNITIES", "ON THE WIRE"]
        lines += ["", paint("ROUTES", Tone.HEAD), *table(head, routes, paint)]
    if changes := list(_changes(answer, fact, now)):
        lines += ["", paint("LAST CHANGES", Tone.HEAD), *table(["WHEN", "WHERE", "WHAT", "WHY"], changes, paint)]
    if meanings := list(remedies(answer)):
        lines += ["", paint("REASONS", Tone.HEAD), *meanings]
    return "\n".join(lines) + "\n"


def _title(answer: Answer, fact: ServiceFact | None, paint: Paint) -> str:
    found = [account for node in answer.nodes for account in node.services]
    name = str(fact.key) if fact else f"{found[0].namespace}/{found[0].name}" if found else ""
    announcing = sum(any(is_announced(node, vip) for vip in _vips(node)) for node in answer.nodes)
    policy = f", externalTrafficPolicy {fact.policy}" if fact and fact.policy else ""
    word = f"announced by {announcing} of {len(answer.nodes)} nodes"
    if len(answer.nodes) == 1:
        word = f"{'announced' if announcing else 'not announced'} by {answer.nodes[0].node}"
    return f"{paint(name, Tone.HEAD)}: {paint(word, Tone.GOOD if announcing else Tone.BAD)}{policy}"


def _address(fact: ServiceFact, paint: Paint) -> list[str]:
    lines = [
        f"  {paint(each.vip, Tone.HEAD)}  {f'from pool {each.pool}; ' if each.pool else ''}{each.why}"
        for each in fact.addresses
    ]
    if fact.pending:
        lines.append(f"  {paint(fact.pending, Tone.BAD)}: {fact.message}")
    if not fact.addresses and fact.load_balancer_class:
        lines.append(f"  its loadBalancerClass is {fact.load_balancer_class}")
    return lines or ["  none yet: the controller has not given it one"]


def _nodes(answer: Answer, fact: ServiceFact | None, paint: Paint) -> list[str]:
    endpoints = {each.node: each for each in fact.endpoints} if fact else {}
    rows = [row for node in answer.nodes for row in _decisions(node, endpoints.get(node.node))]
    named = {node.node for node in answer.nodes}
    elsewhere = [each for name, each in endpoints.items() if name not in named]
    rows += [[each.node or "on no node", "", _count(each), "", "", ""] for each in elsewhere]
    return table(["NODE", "VIP", "ENDPOINTS", "DECISION", "WHY", "GATE"], rows, paint) if rows else ["  none"]


def _health(fact: ServiceFact, paint: Paint) -> list[str]:
    rows: list[list[Cell]] = [
        [each.check, each.address, str(each.port), (each.state, _FOUND[each.state]), each.last] for each in fact.health
    ]
    return table(["CHECK", "ENDPOINT", "PORT", "FOUND", "LAST PROBE"], rows, paint)


def _decisions(node: NodeAnswer, endpoints: EndpointFact | None) -> Iterator[list[Cell]]:
    counted = _count(endpoints) if endpoints else "none"
    for account in node.services:
        for vip in account.vips:
            if not endpoints and vip.serving_here:
                counted = f"{vip.serving_here} serving"
            waits = f"waits for the data path, {vip.waits_s:.1f} s" if vip.waits_s is not None else ""
            word: Cell = ("unknown", Tone.DOUBT) if node.silent else _word(vip.state, vip.reason)
            yield [node.node, vip.vip, counted, word, why_not(node, vip) or vip.reason, waits]
        if not account.vips:
            yield [node.node, "", counted, ("not announced", Tone.BAD), account.reason, ""]


def _word(state: str, reason: str) -> tuple[str, Tone]:
    return _WORDS[state], Tone.FAINT if reason in NOTHING_HERE else _TONES[state]


def _count(endpoints: EndpointFact) -> Cell:
    if endpoints.serving == endpoints.total:
        return f"{endpoints.total} serving"
    return f"{endpoints.serving} of {endpoints.total} serving", Tone.DOUBT


def _routes(node: NodeAnswer) -> Iterator[list[Cell]]:
    states = {session.peer: session.state for session in node.sessions}
    for vip in _vips(node):
        for route in vip.routes:
            yield _route(node, states.get(route.peer, State.UNKNOWN), route)


def _route(node: NodeAnswer, state: State, route: RouteAccount) -> list[Cell]:
    tone = {State.ESTABLISHED: Tone.GOOD, State.DOWN: Tone.BAD, State.UNKNOWN: Tone.DOUBT}[state]
    on_wire: Cell = "" if route.on_wire is None else ("yes", Tone.GOOD) if route.on_wire else ("not yet", Tone.BAD)
    if route.withheld:
        on_wire = (f"withheld: {route.withheld}", Tone.BAD)
    return [
        node.node,
        route.peer,
        (state.value if state is not State.UNKNOWN else "", tone),
        route.prefix,
        route.next_hop,
        " ".join(map(str, route.as_path)),
        "" if route.local_pref is None else str(route.local_pref),
        "" if route.med is None else str(route.med),
        " ".join(route.communities),
        on_wire,
    ]


def _changes(answer: Answer, fact: ServiceFact | None, now: datetime) -> Iterator[list[Cell]]:
    """Newest first."""
    found: list[tuple[datetime, list[Cell]]] = []
    for node in answer.nodes:
        for account in node.services:
            for change in account.changes:
                word, tone = _word(change.state, change.reason)
                found.append((change.at, [node.node, (f"{change.vip} {word}", tone), change.reason]))
    events = fact.events if fact else ()
    found += [(event.at, ["controller", event.reason, event.note]) for event in events]
    found.reverse()  # within a second the newest first too
    for at, cells in sorted(found, key=lambda each: each[0], reverse=True):
        yield [f"{ago(at, now)} ago", *cells]


def _vips(node: NodeAnswer) -> Iterator[VIPAccount]:
    accounts: tuple[ServiceAccount, ...] = node.services
    return (vip for account in accounts for vip in account.vips)
