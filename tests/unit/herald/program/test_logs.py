import io
import json
import logging
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from herald.kube.objects import ObjectKey
from herald.program import logs


@pytest.fixture(autouse=True)
def _logging_is_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers = root.handlers[:]
    levels = {name: logging.getLogger(name).level for name in (None, *logs.PACKAGES)}
    yield
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_is_one_json_object_with_message_and_fields() -> None:
    stream = io.StringIO()
    logs.configure("controller", "info", stream)
    vips = (ip_address("198.51.100.1"), ip_address("2001:db8::1"))
    logging.getLogger("controller.b").info(
        "assigned", extra=logs.fields(service=ObjectKey("shop", "web"), vips=vips, count=2)
    )
    line = json.loads(stream.getvalue())
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "program": "controller",
        "logger": "controller.b",
        "message": "assigned",
        "service": "shop/web",
        "vips": ["198.51.100.1", "2001:db8::1"],
        "count": 2,
    }


def test_a_field_never_replaces_the_message_and_line_breaks_stay_within_one_line() -> None:
    stream = io.StringIO()
    logs.configure("controller", "info", stream)
    logging.getLogger("controller").info("first", extra=logs.fields(message="second", text="a\nb"))
    assert stream.getvalue().count("\n") == 1
    assert json.loads(stream.getvalue())["message"] == "first"


def test_an_exception_is_part_of_its_line() -> None:
    stream = io.StringIO()
    logs.configure("controller", "info", stream)
    try:
        int("broken")
    except ValueError:
        logging.getLogger("controller").exception("failed")
    assert stream.getvalue().count("\n") == 1
    assert "ValueError: invalid literal" in json.loads(stream.getvalue())["exception"]


def test_lines_below_the_level_are_not_written() -> None:
    stream = io.StringIO()
    logs.configure("controller", "WARNING", stream)
    logging.getLogger("controller").info("quiet")
    assert not stream.getvalue()


def test_a_terminal_gets_plain_text() -> None:
    stream = Terminal()
    logs.configure("controller", "info", stream)
    logging.getLogger("controller").info("assigned", extra=logs.fields(service=ObjectKey("shop", "web"), vips=(1, 2)))
    assert stream.getvalue().rstrip().endswith("INFO    assigned service=shop/web vips=1,2")


def test_libraries_speak_from_warning_on() -> None:
    stream = io.StringIO()
    logs.configure("controller", "debug", stream)
    logging.getLogger("watchfiles").info("quiet")
    logging.getLogger("watchfiles").warning("loud")
    logging.getLogger("controller").debug("ours")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["loud", "ours"]
