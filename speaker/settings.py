"""The speaker's flags."""

from dataclasses import dataclass, field
from pathlib import Path

from bgp_config.names import NodeName
from speaker.data_path import DataPath, NoGate


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`bind_device` None: VIPs are not bound. `grants_drains`: there is no controller, so the speaker itself grants them."""

    node_name: NodeName
    runtime_dir: Path
    load_balancer_class: str
    bind_device: str | None = None
    guard_pools: bool = False
    ignore_exclude_label: bool = False
    data_path: DataPath = field(default_factory=NoGate)
    data_path_timeout_s: float = 5.0
    service_metrics: bool = True
    grants_drains: bool = False
