"""How findings are written."""

import json

from herald.lint.finding import Finding, Severity
from herald.lint.show import Format, show

FOUND = Finding(
    file="deploy/pools.yaml",
    document=2,
    line=12,
    object="AddressPool/default",
    path="spec.blocks[0].cidr",
    message='"x" is not an IP address',
    hint="Write one.",
)


def test_text_starts_with_the_place_as_compilers_write_it() -> None:
    assert show([FOUND], Format.TEXT) == (
        "deploy/pools.yaml:12: error: AddressPool/default (document 2): spec.blocks[0].cidr:"
        ' "x" is not an IP address. Write one.\n'
    )


def test_text_leaves_out_what_is_not_known() -> None:
    found = Finding(file="a", message="not UTF-8 text", hint="Save it so.", severity=Severity.WARNING)
    assert show([found], Format.TEXT) == "a: warning: not UTF-8 text. Save it so.\n"


def test_json_has_every_field() -> None:
    assert json.loads(show([FOUND], Format.JSON)) == [
        {
            "file": "deploy/pools.yaml",
            "document": 2,
            "line": 12,
            "object": "AddressPool/default",
            "path": "spec.blocks[0].cidr",
            "message": '"x" is not an IP address',
            "hint": "Write one.",
            "severity": "error",
        }
    ]


def test_no_findings_are_an_empty_list_in_json_and_nothing_otherwise() -> None:
    assert [show([], form) for form in (Format.JSON, Format.TEXT, Format.GITHUB)] == ["[]\n", "", ""]


def test_github_gets_one_workflow_command_each() -> None:
    assert show([FOUND], Format.GITHUB) == (
        "::error file=deploy/pools.yaml,line=12,title=AddressPool/default%3A spec.blocks[0].cidr::"
        '"x" is not an IP address. Write one.\n'
    )


def test_what_would_end_a_workflow_command_is_escaped() -> None:
    found = Finding(file="a,b:c", message="50%\nmore", hint="No.", severity=Severity.WARNING)
    assert show([found], Format.GITHUB) == "::warning file=a%2Cb%3Ac,line=1,title=herald lint::50%25%0Amore. No.\n"
