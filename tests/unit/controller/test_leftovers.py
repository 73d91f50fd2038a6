from pathlib import Path

from controller.leftovers import leftovers
from herald.kube.directory import DirectoryStatusWriter
from tests.builders import ip
from tests.unit.controller.build import key, lb


async def test_all_that_the_writer_wrote_is_found_and_nothing_else(tmp_path: Path) -> None:
    writer = DirectoryStatusWriter(tmp_path)
    await writer.write_ingress(lb("a"), [ip("10.0.0.1"), ip("2001:db8::1")])
    await writer.write_pending(lb("b"), "noPool", "there is none")
    (tmp_path / "shop" / "c.json").write_text("{")
    (tmp_path / ".controller.lock").write_text("1")
    assert {service.key: service.vips for service in leftovers(tmp_path)} == {
        key("a"): (ip("10.0.0.1"), ip("2001:db8::1")),
        key("b"): (),
    }


def test_an_empty_directory_holds_none(tmp_path: Path) -> None:
    assert list(leftovers(tmp_path)) == []
