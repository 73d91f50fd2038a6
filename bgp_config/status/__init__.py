"""What Herald's programs write into the `status` of its objects: one file per kind, bounds and descriptions included.

The types are encoded with msgspec: absent, never null. Nothing checks bounds at that point, so whoever makes a value
clips texts (`base.clip`) and lists to the limits named here; an API server refuses what exceeds them.
"""
