"""The command itself, whatever the word."""

from importlib.metadata import version

import pytest

from herald.cli.main import WORDS, main


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"herald {version('herald-lb')}\n"


def test_its_help_has_a_line_for_each_word(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert set(WORDS) <= {words[0] for words in lines if words}
