"""kubectl, as a person would use it. It takes a tenth of a second; herald.lab.kube.client takes milliseconds."""

from pathlib import Path
from tempfile import TemporaryDirectory

from herald.lab.command import run
from herald.lab.kube import programs
from herald.lab.kube.access import Access
from herald.lab.namespace import NAMESPACES


async def kubectl(access: Access, *arguments: str, stdin: str = "") -> str:
    """What it printed. LabError with what it said if it fails."""
    where = [] if access.namespace is None else ["nsenter", f"--net={NAMESPACES / access.namespace}", "--"]
    with TemporaryDirectory() as directory:
        kubeconfig = access.write_kubeconfig(Path(directory) / "kubeconfig")
        return await run(*where, str(programs.kubectl()), f"--kubeconfig={kubeconfig}", *arguments, stdin=stdin)
