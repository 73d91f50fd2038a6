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
    sync_timeout_s: float = 10.0
    max_stale_s: float = 3600.0
    systemd_state: Path | None = None
    service_metrics: bool = True
    grants_drains: bool = False
