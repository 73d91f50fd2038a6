"""Active health checks: this node's endpoints are probed, and a VIP whose endpoints here are sick loses preference here.

- `targets`: whom to ask what, by the objects. `judge`: what the answers add up to, with rise, fall and a growing hold-down.
  Both pure.
- `dialogue`: what is said and heard on one connection, as bytes. `prober`: the connections themselves, many at once.
- `witness`: ties these together and gives evidence to the core. `metrics`, `account`: what people see of it.
- `memory`: what a restarted speaker is told.

It only ever knows of this node: it lowers a VIP here, and never one that the objects withdraw. When every node finds its
endpoints sick, all are least preferred alike and traffic still flows.
"""
