"""Writes the Grafana dashboard: python deploy/monitoring/dashboard.py > deploy/monitoring/dashboard.json

A test keeps the file as this makes it, and finds every metric that it asks for exported.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

WIDTH, ROW_HEIGHT = 24, 8
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
QUANTILES = (0.5, 0.99)


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL, and what each line is called."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """`kind` is Grafana's type of panel."""

    title: str
    queries: Sequence[Query]
    text: str
    unit: str = "short"
    kind: str = "timeseries"


def quantiles(metric: str, label: str) -> list[Query]:
    return [
        Query(
            f"histogram_quantile({q}, sum by (le, {label}) (rate({metric}_bucket[$__rate_interval])))",
            f"p{q * 100:g} {{{{{label}}}}}",
        )
        for q in QUANTILES
    ]


ROWS: Sequence[tuple[str, Sequence[Panel]]] = (
    (
        "Is all well?",
        (
            Panel(
                title="Sessions down",
                queries=[Query("count(herald_bgp_session_up == 0) or vector(0)", "down")],
                text="BGP sessions that are not Established.",
                kind="stat",
            ),
            Panel(
                title="VIPs announced nowhere",
                queries=[
                    Query(
                        "count(herald_service_vip_assigned unless on (namespace, service, vip) "
                        "herald_speaker_service_announced == 1) or vector(0)",
                        "VIPs",
                    )
                ],
                text="VIPs that a Service has and no node announces.",
                kind="stat",
            ),
            Panel(
                title="Speakers missing",
                queries=[Query('count(up{job="herald-speaker"} == 0) or vector(0)', "nodes")],
                text="Speakers that do not answer the scrape.",
                kind="stat",
            ),
            Panel(
                title="Objects refused or stale",
                queries=[
                    Query("count(count by (kind, name) (herald_config_refused)) or vector(0)", "refused"),
                    Query("count(count by (kind) (herald_stale_since_timestamp_seconds)) or vector(0)", "stale kinds"),
                ],
                text="Configuration that is not in force as written, and kinds of objects that are not heard of.",
                kind="stat",
            ),
        ),
    ),
    (
        "Sessions",
        (
            Panel(
                title="Session state",
                queries=[Query("herald_bgp_session_up", "{{instance}} {{peer}}")],
                text="1 while Established.",
                kind="state-timeline",
            ),
            Panel(
                title="Routes that the peers lack",
                queries=[Query("herald_bgp_routes_pending > 0", "{{instance}} {{peer}}")],
                text="Prefixes of which a peer does not have what it shall have. Returns to nothing after each change.",
            ),
            Panel(
                title="UPDATEs sent",
                queries=[Query("rate(herald_bgp_session_updates_sent_total[$__rate_interval])", "{{instance}} {{peer}}")],
                text="UPDATEs per second.",
                unit="ops",
            ),
            Panel(
                title="State changes",
                queries=[Query("increase(herald_bgp_session_state_changes_total[15m]) > 0", "{{instance}} {{peer}}")],
                text="In the last 15 minutes.",
            ),
        ),
    ),
    (
        "VIPs",
        (
            Panel(
                title="Announced by node",
                queries=[Query("herald_speaker_vips_announced", "{{instance}}")],
                text="How many VIPs each node announces.",
            ),
            Panel(
                title="Withheld by reason",
                queries=[
                    Query("sum by (reason) (herald_speaker_vips_withheld) > 0", "{{reason}}"),
                    Query("sum by (reason) (herald_speaker_vips_least_preferred) > 0", "least preferred: {{reason}}"),
                ],
                text="VIPs that nodes do not announce, or only as least preferred; the README explains the reasons.",
            ),
            Panel(
                title="Next hops short",
                queries=[
                    Query(
                        "count by (namespace, service, vip) (herald_speaker_service_announced) "
                        "- sum by (namespace, service, vip) (herald_speaker_service_announced) > 0",
                        "{{namespace}}/{{service}} {{vip}}",
                    )
                ],
                text="Nodes that should announce a VIP and do not.",
            ),
            Panel(
                title="ECMP groups",
                queries=[Query("herald_speaker_next_hop_sets", "{{instance}}")],
                text="Distinct sets of nodes; a router needs a group for each.",
            ),
        ),
    ),
    (
        "Health",
        (
            Panel(
                title="Sick endpoints",
                queries=[Query('herald_health_endpoints{state="sick"} > 0', "{{instance}} {{check}}")],
                text="Endpoints that a HealthCheck finds sick, on their own node.",
            ),
            Panel(
                title="Withdrawn by hand",
                queries=[Query("herald_withdrawn_by_hand > 0", "{{instance}} {{way}}")],
                text="Break-glass that is in force.",
            ),
        ),
    ),
    (
        "How fast?",
        (
            Panel(
                title="From the change to the UPDATE",
                queries=quantiles("herald_speaker_change_seconds", "direction"),
                text="From the word of the source to the wire, per route.",
                unit="s",
            ),
            Panel(
                title="Where the time goes, p99",
                queries=quantiles("herald_speaker_change_part_seconds", "part")[1:],
                text="watch: until it is taken; decide; gate: the wait for kube-proxy; wire: until it is sent.",
                unit="s",
            ),
            Panel(
                title="Waiting for the data path",
                queries=[
                    Query("herald_speaker_data_path_waiting", "{{instance}} waiting"),
                    Query("increase(herald_speaker_data_path_timeouts_total[15m]) > 0", "{{instance}} gave up"),
                ],
                text="VIPs that wait until kube-proxy has them, and those announced without its word in 15 minutes.",
            ),
            Panel(
                title="Relists and watches",
                queries=[
                    Query("sum by (kind) (rate(herald_api_lists_total[15m]))", "list {{kind}}"),
                    Query("sum by (kind) (rate(herald_api_watches_total[15m]))", "watch {{kind}}"),
                ],
                text="Per second, of all programs. More than a few lists means that watches are lost.",
                unit="ops",
            ),
        ),
    ),
    (
        "Addresses",
        (
            Panel(
                title="Pools",
                queries=[Query("herald_pool_addresses_used / herald_pool_addresses", "{{pool}} {{family}}")],
                text="How much of each pool is in use.",
                unit="percentunit",
            ),
            Panel(
                title="Services without what they ask for",
                queries=[Query("sum by (reason) (herald_services_unmet) > 0", "{{reason}}")],
                text="By reason, as the controller says it.",
            ),
            Panel(
                title="Status writes",
                queries=[
                    Query("sum by (what) (rate(herald_status_writes_total[$__rate_interval]))", "{{what}}"),
                    Query("sum by (what) (rate(herald_status_write_errors_total[$__rate_interval]))", "{{what}} failed"),
                ],
                text="Of the controller, per second.",
                unit="ops",
            ),
            Panel(
                title="Versions",
                queries=[Query("count by (program, version) (herald_build_info)", "{{program}} {{version}}")],
                text="Programs that run, by version.",
            ),
        ),
    ),
)


def dashboard() -> dict[str, Any]:
    return {
        "title": "Herald",
        "uid": "herald",
        "tags": ["herald", "bgp"],
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}]
        },
        "panels": list(_panels()),
    }


def _panels() -> Iterator[dict[str, Any]]:
    numbers, y = count(1), 0
    for title, panels in ROWS:
        yield {"id": next(numbers), "type": "row", "title": title, "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}}
        width = WIDTH // len(panels)
        for column, panel in enumerate(panels):
            place = {"x": column * width, "y": y + 1, "w": width, "h": ROW_HEIGHT}
            yield {"id": next(numbers), **_panel(panel), "gridPos": place}
        y += 1 + ROW_HEIGHT


def _panel(panel: Panel) -> dict[str, Any]:
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "datasource": DATASOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + n), "expr": query.expr, "legendFormat": query.legend}
            for n, query in enumerate(panel.queries)
        ],
    }


if __name__ == "__main__":
    json.dump(dashboard(), sys.stdout, indent=2)
    sys.stdout.write("\n")
