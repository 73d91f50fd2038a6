"""`herald metrics`: the reference of all metrics that the programs export, as Markdown (docs/metrics.md)."""

import argparse
from typing import Any

from controller.drain.metrics import FAMILIES as DRAINS
from controller.metrics import FAMILIES as CONTROLLER
from herald.program.reference import markdown
from speaker.bfd.metrics import FAMILIES as BFD
from speaker.by_hand.metrics import FAMILIES as BY_HAND
from speaker.health.metrics import FAMILIES as HEALTH
from speaker.metrics import FAMILIES as SPEAKER


def add_parser(words: Any) -> None:  # noqa: ANN401 -- argparse has no public name for it
    """Adds the word with its flags."""
    parser = words.add_parser("metrics", help="print the reference of metrics", description=__doc__)
    parser.set_defaults(run=_run)


def _run(_: argparse.Namespace) -> int:
    controller = (*CONTROLLER, *DRAINS)
    parts = {"BFD": BFD, "Health checks": HEALTH, "Withdrawals by hand": BY_HAND}
    speaker = {"Speaker": SPEAKER, **{f"{part}, in the speaker": families for part, families in parts.items()}}
    print(markdown({**speaker, "Controller": controller}), end="")
    return 0
