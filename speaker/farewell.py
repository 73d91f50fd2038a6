"""How a speaker that was asked to end leaves its sessions (RFC 4724; DESIGN.md, "Restart without loss"). Pure."""

from speaker.core import Core
from speaker.decide import node_refusal
from speaker.evidence import Source
from speaker.session import Ending

FOR_GOOD = frozenset({Source.DRAIN, Source.BY_HAND})
"""Whoever said so wants no traffic here: what a successor would announce is not awaited."""


def farewell(core: Core, *, host_is_shutting_down: bool) -> Ending:
    """As for a restart, unless this node itself is about to go or shall have no traffic."""
    leaves = node_refusal(core.cluster.node, ignore_exclude_label=core.ignore_exclude_label) is not None
    if leaves or host_is_shutting_down or not FOR_GOOD.isdisjoint(core.evidence.node_sources):
        return Ending.WITHDRAW
    return Ending.RESTART
