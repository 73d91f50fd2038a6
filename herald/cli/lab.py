"""`herald lab`: raises a lab and leaves it running, shows what runs, opens a shell on a machine, takes it down."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable

import msgspec

from bgp_config.names import Family
from herald.cli import chaos
from herald.cli.values import one_of
from herald.lab import namespace, record
from herald.lab.command import LabError, require_host
from herald.lab.lab import Lab
from herald.lab.record import Claim
from herald.lab.router import Router
from herald.lab.topology import DEFAULT_NODES, Peering, Settings, Shape, build

DEFAULT_NAME = "lab"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `lab` and its words; each sets `run`, which takes the arguments and returns the exit code."""
    lab = subparsers.add_parser("lab", help="a leaf-spine lab in network namespaces")
    words = lab.add_subparsers(required=True, metavar="up|down|status|shell|chaos")

    up = words.add_parser("up", help="raise a lab and leave it running")
    up.add_argument("--topology", type=one_of(Shape), choices=list(Shape), default=Shape.RACK)
    up.add_argument("--name", default=DEFAULT_NAME)
    up.add_argument("--nodes", type=int, default=DEFAULT_NODES, help="in a rack (default: %(default)s)")
    up.add_argument("--ibgp", action="store_true", help="nodes and ToRs in one AS")
    up.add_argument("--ipv6", action="store_true", help="IPv6 beside IPv4 on every link")
    up.set_defaults(run=_told(_up))

    down = words.add_parser("down", help="take a lab down")
    which = down.add_mutually_exclusive_group()
    which.add_argument("--name", default=DEFAULT_NAME)
    which.add_argument("--all", action="store_true", help="every lab that no running program owns")
    down.set_defaults(run=_told(_down))

    status = words.add_parser("status", help="labs, their processes and BGP sessions")
    status.add_argument("--json", action="store_true")
    status.set_defaults(run=_told(_status))

    shell = words.add_parser("shell", help="a shell, or one command, in a machine's network namespace")
    shell.add_argument("--name", default=DEFAULT_NAME)
    shell.add_argument("node", help="a node, router or client, as `herald lab status` names it")
    shell.add_argument("command", nargs=argparse.REMAINDER)
    shell.set_defaults(run=_told(_shell))

    chaos.add_parser(words)


class SessionStatus(msgspec.Struct, kw_only=True):
    router: str
    peer: str
    family: str
    state: str
    prefixes: int


class LabStatus(msgspec.Struct, kw_only=True):
    """One lab, as `herald lab status --json` shows it. `owner_pid`: None if it was left running."""

    name: str
    topology: str
    directory: str
    owner_pid: int | None
    processes: dict[str, list[int]]
    sessions: list[SessionStatus]


def _told(word: Callable[[argparse.Namespace], None]) -> Callable[[argparse.Namespace], int]:
    """The word as `run`: what it cannot do is told in one line, with exit code 1."""

    def run(args: argparse.Namespace) -> int:
        try:
            require_host()
            word(args)
        except (LabError, ValueError) as error:
            print(f"herald lab: {error}", file=sys.stderr)
            return 1
        return 0

    return run


def _up(args: argparse.Namespace) -> None:
    settings = Settings(nodes=args.nodes, peering=Peering.IBGP if args.ibgp else Peering.EBGP, ipv6=args.ipv6)

    async def raise_and_leave() -> Lab:
        async with Lab(build(args.topology, settings), name=args.name) as lab:
            await lab.fabric_up()
            lab.leave_running()
            return lab

    lab = asyncio.run(raise_and_leave())
    print(f"lab {lab.name} is up: {' '.join(lab.topology.machines)}")
    print(f"a shell on one of them: herald lab shell --name {lab.name} node1")
    print(f"a router's own shell:   vtysh --vty_socket {lab.directory_of(lab.topology.tors[0].name)}")


def _down(args: argparse.Namespace) -> None:
    names = record.names() if args.all else [args.name]
    for name in names:
        claim = Claim.take(name)
        if claim is None:
            if args.all:
                continue
            raise LabError(f"lab {name} belongs to a running program{_owner(name)}: end that first")
        found = record.read(name) is not None
        record.clear(name)
        claim.release()
        print(f"lab {name} is down" if found else f"there is no lab {name}")


def _status(args: argparse.Namespace) -> None:
    labs = [asyncio.run(_look(found)) for name in record.names() if (found := record.read(name)) is not None]
    if args.json:
        print(msgspec.json.format(msgspec.json.encode(labs)).decode())
        return
    for lab in labs:
        owner = "left running" if lab.owner_pid is None else f"owned by process {lab.owner_pid}"
        print(f"lab {lab.name} ({lab.topology}), {owner}, files in {lab.directory}")
        for machine, pids in lab.processes.items():
            print(f"  {machine:10} {len(pids)} processes {' '.join(map(str, pids))}")
        for session in lab.sessions:
            print(f"  {session.router:10} {session.family} {session.peer:16} {session.state:12} {session.prefixes} prefixes")
    if not labs:
        print("no lab is up: herald lab up")


def _shell(args: argparse.Namespace) -> None:
    found = record.read(args.name)
    if found is None:
        raise LabError(f"there is no lab {args.name}: herald lab up --name {args.name}")
    if args.node not in found.topology.machines:
        raise LabError(f"lab {args.name} has no {args.node}, but {', '.join(found.topology.machines)}")
    lab = Lab(found.topology, name=found.name)
    command = args.command or [os.environ.get("SHELL", "/bin/sh")]
    sys.stdout.flush()
    os.execvp("nsenter", ["nsenter", f"--net={namespace.NAMESPACES / lab.namespace(args.node)}", "--", *command])  # noqa: S606 -- becomes it


async def _look(found: record.Record) -> LabStatus:
    lab = Lab(found.topology, name=found.name)
    return LabStatus(
        name=lab.name,
        topology=found.shape,
        directory=str(lab.directory),
        owner_pid=None if found.left_running else found.owner_pid,
        processes={machine: namespace.processes_in([lab.namespace(machine)]) for machine in lab.topology.machines},
        sessions=[session for router in lab.routers.values() for session in await _sessions(router)],
    )


async def _sessions(router: Router) -> list[SessionStatus]:
    """None of a router that does not answer, such as one that is stopped or just starts."""
    try:
        found = [session for family in Family for session in (await router.sessions(family)).values()]
    except LabError:
        return []
    return [
        SessionStatus(
            router=router.name,
            peer=str(session.peer),
            family=session.family.name,
            state=session.state,
            prefixes=session.prefixes,
        )
        for session in found
    ]


def _owner(name: str) -> str:
    found = record.read(name)
    return f" (process {found.owner_pid})" if found else ""
