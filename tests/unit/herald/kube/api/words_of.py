"""Raw objects as an API server sends them, for tests of what is made of them."""

from typing import Any

import msgspec

from herald.kube.api.decode import Head, decode_head
from herald.kube.objects import SERVICE_NAME_LABEL


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def item(name: str, version: int = 1, **fields: Any) -> tuple[Head, msgspec.Raw]:
    """Head and whole of an object of any kind."""
    metadata = {"name": name, "uid": f"uid-{name}", "resourceVersion": str(version), **fields.pop("metadata", {})}
    value = raw({"metadata": metadata, **fields})
    return decode_head(value), value


def slice_item(name: str, owner: str, version: int = 1, address: str = "10.1.0.1") -> tuple[Head, msgspec.Raw]:
    metadata = {"namespace": "default", "labels": {SERVICE_NAME_LABEL: owner}}
    return item(name, version, metadata=metadata, addressType="IPv4", endpoints=[{"addresses": [address]}])
