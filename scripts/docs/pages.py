"""All generated files, by their path in docs/."""

from collections.abc import Mapping
from pathlib import Path

from scripts.docs import fields, flags, pictures, reasons, routers, values

CHECKOUT = Path(__file__).parents[2]
DOCS = CHECKOUT / "docs"


def pages() -> Mapping[str, str]:
    """The text of each."""
    return {
        "reference/fields.md": fields.page(),
        "reference/flags.md": flags.page(),
        "reference/frr.md": routers.page(),
        "reference/reasons.md": reasons.page(),
        "reference/values.md": values.page(CHECKOUT / "deploy" / "chart" / "herald" / "values.yaml"),
        **{f"images/{name}.svg": drawing for name, drawing in pictures.drawings().items()},
    }
