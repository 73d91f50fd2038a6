"""What earlier lives of the controller wrote in the state directory, also about Services that exist no more.

Such a Service may come back and finds its VIPs there, so nobody else may be given them until its file is removed.
"""

from collections.abc import Iterator
from pathlib import Path

from herald.kube.directory.drains import DRAINS
from herald.kube.directory.status import StatusFile, read_status, status_key, with_status
from herald.kube.objects import Metadata, Service, ServiceSpec


def leftovers(state: Path) -> Iterator[Service]:
    """Every Service that has a file, with the VIPs in it. A file that cannot be read says nothing. Raises OSError."""
    for path in sorted(state.glob("*/*.json")):
        key = status_key(state, path)
        status = read_status(path.read_bytes())
        if key is not None and key.namespace != DRAINS and isinstance(status, StatusFile):
            metadata = Metadata(namespace=key.namespace, name=key.name, uid=status.uid)
            yield with_status(Service(metadata=metadata, spec=ServiceSpec(type="LoadBalancer")), status)
