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
from speaker.state.metrics import FAMILIES as STATE

CHAPTERS = {
    "Speaker": SPEAKER,
    "BFD, in the speaker": BFD,
    "Health checks, in the speaker": HEALTH,
    "Withdrawals by hand, in the speaker": BY_HAND,
    "What a speaker leaves to its successor": STATE,
    "Controller": (*CONTROLLER, *DRAINS),
}
"""All that the programs export."""


def add_parser(words: Any) -> None:  # noqa: ANN401 -- argparse has no public name for it
    """Adds the word with its flags."""
    parser = words.add_parser("metrics", help="print the reference of metrics", description=__doc__)
    parser.set_defaults(run=_run)


def _run(_: argparse.Namespace) -> int:
    print(markdown(CHAPTERS), end="")
    return 0
