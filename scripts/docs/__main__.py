"""Writes the generated files of docs/."""

from scripts.docs.pages import DOCS, pages

for name, text in pages().items():
    path = DOCS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
