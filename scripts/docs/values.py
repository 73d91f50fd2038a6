"""The values of the chart, as the chart says them."""

from pathlib import Path

from scripts.docs import markdown

_HEAD = """\
All values of the chart `herald`, with their defaults. `values.schema.json` checks each of them: an unknown name or a value
that cannot be is refused when you install. The chart `herald-crds` has no values."""


def page(file: Path) -> str:
    return markdown.page("Chart values", _HEAD, markdown.fence("yaml", file.read_text()))
