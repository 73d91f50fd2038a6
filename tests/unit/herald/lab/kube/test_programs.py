"""The Kubernetes programs of the lab are those that the environment names, else those of the pinned version in the cache."""

import re
from pathlib import Path

import pytest

from herald.lab.command import LabError
from herald.lab.kube import programs


def made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_a_program_that_the_environment_names_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, program in (("KUBE_APISERVER", programs.kube_apiserver), ("KUBE_PROXY", programs.kube_proxy)):
        own = made(tmp_path / variable)
        monkeypatch.setenv(variable, str(own))
        assert program() == own


def test_else_it_is_in_the_cache_by_its_pinned_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBE_APISERVER", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(LabError, match=re.escape(programs.REMEDY)):
        programs.kube_apiserver()
    built = made(programs.cache() / "kube-apiserver")
    assert re.fullmatch(r"kube-v\d+\.\d+\.\d+", built.parent.name)
    assert programs.kube_apiserver() == built
