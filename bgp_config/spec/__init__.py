"""The fields of each kind, one file per kind: shape, bounds, rules, and what they mean.

Shapes are those that a structural schema can say (scalar, enum, list, map, object), and everything is bounded. What only
the parser can check is a validator that raises `refusal`.
"""
