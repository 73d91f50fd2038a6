"""Whether a controller does its work: GET /healthz."""

from controller.reconcile import Reconciler
from herald.program.http import Health


def health(reconciler: Reconciler) -> Health:
    """Healthy once it can assign. A stale kind is named, but a restart would not mend it."""
    unsynced = reconciler.plan.unsynced
    checks = {"synced": f"not listed yet: {', '.join(sorted(unsynced))}" if unsynced else "ok"}
    checks |= {f"source {kind}": f"stale: {why}" for kind, why in reconciler.plan.stale.items()}
    return Health(ok=not unsynced, checks=checks)
