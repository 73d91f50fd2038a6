"""Which API server a command talks to, and as whom: as kubectl would."""

import os
from pathlib import Path

from herald.kube.api import InCluster, KubeconfigFile
from herald.kube.api.access import SERVICE_ACCOUNT, Access


def access(given: Path | None) -> Access:
    """`given`: the file of --kubeconfig; else $KUBECONFIG, ~/.kube/config, the pod's own."""
    default = Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
    if given or default.exists() or not SERVICE_ACCOUNT.exists():
        return KubeconfigFile(path=given or default)
    return InCluster()
