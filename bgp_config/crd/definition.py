"""A kind, and the CustomResourceDefinition (apiextensions.k8s.io/v1) that tells an API server of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from bgp_config.crd.structural import structural
from bgp_config.spec.base import ObjectSpec
from bgp_config.spec.cel import Cel, with_rules
from bgp_config.status.base import Status

GROUP = "herald-lb.io"
VERSION = "v1alpha1"
CATEGORY = "herald"


@dataclass(frozen=True, slots=True)
class Column:
    """What `kubectl get` prints; with `wide` only on -o wide."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A cluster-scoped kind. `spec` None: a kind that is status only. `rules` are those about more than the spec."""

    kind: str
    plural: str
    short_names: tuple[str, ...] = ()
    description: str
    spec: type[ObjectSpec] | None = None
    status: type[Status]
    columns: tuple[Column, ...]
    rules: tuple[Cel, ...] = ()
    selectable: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.plural}.{GROUP}"

    def manifest(self) -> dict[str, Any]:
        """The CustomResourceDefinition as plain values."""
        names = {
            "kind": self.kind,
            "listKind": f"{self.kind}List",
            "plural": self.plural,
            "singular": self.kind.lower(),
            **({"shortNames": list(self.short_names)} if self.short_names else {}),
            "categories": [CATEGORY],
        }
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": self.name},
            "spec": {"group": GROUP, "names": names, "scope": "Cluster", "versions": [self._version()]},
        }

    def _version(self) -> dict[str, Any]:
        return {
            "name": VERSION,
            "served": True,
            "storage": True,
            "subresources": {"status": {}},
            **({"selectableFields": [{"jsonPath": path} for path in self.selectable]} if self.selectable else {}),
            "additionalPrinterColumns": [_column(each) for each in self.columns],
            "schema": {"openAPIV3Schema": self._schema()},
        }

    def _schema(self) -> dict[str, Any]:
        properties: dict[str, Mapping[str, Any]] = {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
        }
        required = {}
        if self.spec is not None:
            properties["spec"] = structural(self.spec.model_json_schema())
            required = {"required": ["spec"]}
        properties["status"] = structural(msgspec.json.schema(self.status))
        schema = {"description": self.description, "type": "object", **required, "properties": properties}
        return with_rules(schema, self.rules)


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "jsonPath": column.path,
        **({"description": column.description} if column.description else {}),
        **({"priority": 1} if column.wide else {}),
    }
