"""The CustomResourceDefinitions as YAML, and the files that they are kept in. Pure."""

from collections.abc import Mapping

import yaml

from bgp_config.crd.definition import GROUP
from bgp_config.crd.kinds import DEFINITIONS

_HEADING = "# Written by `herald crds`, from the models in bgp_config. Do not edit.\n"


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 -- as it is called
        """What is the same twice is written twice, as people and kubectl diff expect."""
        return True


def files() -> Mapping[str, str]:
    """The text of each file by its name, as in controller-gen's projects."""
    return {
        f"{GROUP}_{each.plural}.yaml": _HEADING + yaml.dump(each.manifest(), Dumper=_Dumper, sort_keys=False, width=120)
        for each in DEFINITIONS
    }
