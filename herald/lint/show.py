"""Writes findings: a line each for people, JSON for programs, workflow commands for GitHub. Pure."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from herald.lint.finding import Finding


class Format(StrEnum):
    """The values of `herald lint --format`."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def show(findings: Iterable[Finding], form: Format) -> str:
    """Ends with a newline unless it is empty."""
    match form:
        case Format.TEXT:
            return "".join(f"{_text(each)}\n" for each in findings)
        case Format.JSON:
            return msgspec.json.format(msgspec.json.encode(list(findings))).decode() + "\n"
        case Format.GITHUB:
            return "".join(f"{_github(each)}\n" for each in findings)


def _text(finding: Finding) -> str:
    """Starts as compilers' messages do, so that editors find the place."""
    place = ":".join([finding.file, *([str(finding.line)] if finding.line else [])])
    about = finding.object + (f" (document {finding.document})" if finding.document else "")
    parts = [place, f"{finding.severity}", about.strip(), finding.path, f"{finding.message}. {finding.hint}"]
    return ": ".join(part for part in parts if part)


def _github(finding: Finding) -> str:
    """https://docs.github.com/actions/reference/workflow-commands-for-github-actions"""
    title = ": ".join(part for part in (finding.object, finding.path) if part)
    properties = {"file": finding.file, "line": str(finding.line or 1), "title": title or "herald lint"}
    said = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{finding.severity} {said}::{_escaped(f'{finding.message}. {finding.hint}')}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
