"""CustomResourceDefinitions, emitted from the models of spec/ and status/: those are the one source.

- `structural.py`: a JSON schema as pydantic and msgspec write it -> the structural schema that an API server takes.
- `definition.py`: a kind with its names, columns and models -> its CustomResourceDefinition.
- `kinds.py`: the kinds.

The definitions never hold defaults: a default in a CustomResourceDefinition is stored in every object, and so could never
change again.
"""
