"""The runtime directory is made for its owner only; what cannot be used is said, with the flag and a remedy."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier

import pytest

from speaker.runtime_dir import RuntimeDirError, prepare


def test_a_missing_one_is_made_for_its_owner_only_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    for _ in range(2):
        prepare(tmp_path / "new" / "run")
    assert (tmp_path / "new" / "run").stat().st_mode & 0o777 == 0o700
    assert caplog.messages == ["the runtime directory is made"]


def test_one_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    prepare(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o750


def test_two_programs_that_start_together_both_have_it(tmp_path: Path) -> None:
    start = Barrier(2)

    def begin(directory: Path) -> None:
        start.wait(5)
        prepare(directory)

    with ThreadPoolExecutor(2) as programs:
        for number in range(100):
            directory = tmp_path / str(number)
            for begun in [programs.submit(begin, directory) for _ in range(2)]:
                begun.result(5)


@pytest.mark.parametrize("name", ["file", "file/run"])
def test_a_file_in_its_way_is_named_with_the_flag_and_a_remedy(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RuntimeDirError, match=rf"--runtime-dir {tmp_path}/{name}: .*Make a directory"):
        prepare(tmp_path / name)


@pytest.mark.parametrize("word", ["bfd", "speaker"])
def test_both_programs_end_with_one_line(tmp_path: Path, word: str) -> None:
    (tmp_path / "file").touch()
    flags = ["--manifests", str(tmp_path)] if word == "speaker" else []
    argv = [sys.executable, "-m", "herald", word, "--runtime-dir", str(tmp_path / "file"), *flags]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"herald {word}: --runtime-dir {tmp_path}/file: a file has its name. ")
    assert len(ended.stderr.splitlines()) == 1


AS_NOBODY = """
import os, sys
from pathlib import Path
from speaker.runtime_dir import prepare
if os.geteuid() == 0:
    os.setuid(65534)
prepare(Path(sys.argv[1]))
"""


def test_one_in_which_this_user_may_not_write_is_named() -> None:
    with TemporaryDirectory() as directory:  # not tmp_path, which no other user reaches
        Path(directory).chmod(0o555)
        argv = [sys.executable, "-c", AS_NOBODY, directory]
        ended = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert f"--runtime-dir {directory}: this user may not write there" in ended.stderr
