"""Assigns VIPs to Services of type LoadBalancer, from pools.

Changes of the cluster go into a Plan, which is pure; what it decides is written by a Reconciler, the loops.

- `ipam`: which addresses are free. `ledger`: who holds which. `waiting`: who waits for which.
- `request`: what a Service asks for. `allocate`: what it shall have, or the PendingReason (`reasons`) why not.
- `record`: one Service and the write that it needs next. `plan`: all of them, incrementally.
- `workqueue`, `reconcile`: the loops. `metrics`, `daemon`: the program. `leftovers`: what earlier lives wrote.
- `guard`: addresses that are never assigned. `word`: the condition Assigned.
- On Kubernetes: `replica`, the program; `lease`, `elector`: who leads; `api_writer`: the status of Services; `config_state`,
  `config_writer`: that of configuration objects, and the finalizer of pools; `silence`, `undertaker`: dead speakers;
  `event_budget`, `events`. `lease`, `silence`, `config_state`, `event_budget` and `word` are pure.
- `drain`: which nodes may lose their traffic.

    plan = Plan("herald-lb.io/bgp")
    for change in await changes.take():
        plan.apply(change)
    for key in plan.settle():             # decided again; their next write may be another
        write = plan.next_write(key)      # SetIngress | SayPending | Forget | None
        if write is not None:
            plan.begin(write)             # from now on it may have happened
            ...                           # then plan.acknowledge(write, version), fail or yield_to, and settle again

A new source needs a Source of the kinds plan.KINDS and a StatusWriter that always ends: see daemon._lead, replica.lead.
"""
