"""What one ExaBGP process is told before it starts: its configuration file and its environment. Pure.

Invariants: one process, one neighbor; never listens; every address explicit; a password is written in base64 and is never
empty; graceful restart only ever together with End-of-RIB by hand; only typed values are written. The helper's command line
must hold no blanks, quotes, semicolons or braces, which ExaBGP's parser would read.
"""

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

from bgp_config.names import Family
from speaker.session import SessionSpec

BGP_PORT = 179
HOLD_TIME_VARIABLE = "HERALD_HOLD_TIME_S"
KEEPALIVE_TIME_VARIABLE = "HERALD_KEEPALIVE_TIME_S"
CONNECT_RETRY_VARIABLE = "HERALD_CONNECT_RETRY_S"
"""For launch.py, which imports nothing of ours."""
MAX_PASSWORD_OCTETS = 80
"""TCP_MD5SIG_MAXKEYLEN of Linux."""

_FORBIDDEN = frozenset(" \t\n\r\"';{}#[]")


def render(spec: SessionSpec, helper: tuple[Path, ...]) -> str:
    """ExaBGP's configuration file. `helper` is the command line of the shim."""
    lines = [
        "process speaker {",
        f"    run {' '.join(_word(part) for part in helper)};",
        "    encoder json;",
        "    respawn true;",
        "}",
        f"neighbor {spec.peer_address} {{",
        f"    router-id {spec.router_id};",
        f"    local-address {spec.local_address};",
        f"    local-as {spec.local_asn};",
        f"    peer-as {spec.peer_asn};",
        f"    hold-time {spec.hold_time_s};",
        *_connect(spec),
        *_ttl(spec),
        "    adj-rib-in false;",
        "    manual-eor true;",
        *_password(spec),
        f"    capability {{ asn4 enable; route-refresh enable;{_extended_next_hop(spec)}{_graceful_restart(spec)} }}",
        f"    family {{ {' '.join(f'{family_name(family)};' for family in sorted(spec.families))} }}",
        *_next_hop_families(spec),
        # With `receive { parsed; ... }` ExaBGP decodes every UPDATE of the peer, though nobody asked for it.
        "    api peer { processes [ speaker ]; neighbor-changes; send { parsed; update; } receive { packets; open; } }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def family_name(family: Family) -> str:
    """As ExaBGP writes a family of unicast routes, in its configuration, its commands and its events."""
    return f"ipv{family.value} unicast"


def environment(spec: SessionSpec, *, user: str, path: str) -> Mapping[str, str]:
    """ExaBGP's whole environment. `user` is the user it runs as already: it shall not try to become another."""
    return {
        "PATH": path,
        HOLD_TIME_VARIABLE: str(spec.hold_time_s),
        KEEPALIVE_TIME_VARIABLE: str(spec.keepalive_time_s or 0),
        CONNECT_RETRY_VARIABLE: str(spec.connect_retry_s),
        "exabgp.api.ack": "true",
        "exabgp.api.cli": "false",
        "exabgp.api.respawn": "true",
        "exabgp.api.terminate": "false",
        "exabgp.bgp.openwait": "10",
        "exabgp.daemon.drop": "true",
        "exabgp.daemon.user": user,
        "exabgp.log.destination": "stdout",
        "exabgp.log.level": "WARNING",
        "exabgp.log.short": "false",
        "exabgp.reactor.speed": "1.0",
    }


def _word(path: Path) -> str:
    text = str(path)
    if not text or not text.isascii() or not _FORBIDDEN.isdisjoint(text):
        raise ValueError(f"ExaBGP's configuration cannot hold the path {text!r}")
    return text


def _connect(spec: SessionSpec) -> list[str]:
    return [] if spec.peer_port == BGP_PORT else [f"    connect {spec.peer_port};"]


def _ttl(spec: SessionSpec) -> list[str]:
    sent = [] if spec.ttl is None else [f"    outgoing-ttl {spec.ttl};"]
    return sent if spec.min_ttl is None else [*sent, f"    incoming-ttl {spec.min_ttl};"]


def _extended_next_hop(spec: SessionSpec) -> str:
    return " nexthop enable;" if spec.extends_next_hops else ""


def _next_hop_families(spec: SessionSpec) -> list[str]:
    return ["    nexthop { ipv4 unicast ipv6; }"] if spec.extends_next_hops else []


def _password(spec: SessionSpec) -> list[str]:
    if spec.password is None:
        return []
    if not 0 < len(spec.password) <= MAX_PASSWORD_OCTETS:
        raise ValueError(f"a TCP MD5 password has 1 to {MAX_PASSWORD_OCTETS} octets, not {len(spec.password)}")
    return [f"    md5-password {b64encode(spec.password).decode()};", "    md5-base64 true;"]


def _graceful_restart(spec: SessionSpec) -> str:
    return "" if spec.graceful_restart_s is None else f" graceful-restart {spec.graceful_restart_s};"
