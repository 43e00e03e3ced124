"""Typed Python clients, made from operations: ``twin client`` writes one as a module of its own.

- ``operations``: operations are read, checked against the schema, and their fields collected;
- ``shapes``: what an operation gives becomes classes, what it takes types;
- ``module``: the classes, types and methods become Python source;
- ``transport``: the part that is the same in every client, and whose text begins each of them.

A client needs httpx and pydantic, and nothing of City Twin.
"""
