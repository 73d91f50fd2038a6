"""The commands of docker and docker-compose that the installation pages show: what is shown is what is run."""

import re
from pathlib import Path

INSTALL = Path(__file__).parents[2] / "docs" / "install"


def commands(page: str) -> list[str]:
    """Behind a prompt, or between backticks."""
    return re.findall(
        r"(?:^\$ |`)(docker(?:-compose| build| push) [^`\n]*[^`\n ])(?:`|$)", (INSTALL / page).read_text(), re.MULTILINE
    )


def documented(page: str, start: str) -> str:
    """The one command of the page that begins so."""
    found = {command for command in commands(page) if command.startswith(start)}
    assert len(found) == 1, f"{page} has not one command that begins with '{start}': {found}"
    return found.pop()
