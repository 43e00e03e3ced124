"""The planner: documents that ask become plans, which answer without an executor's walk over every value.

- ``documents``: a document is parsed, checked and measured once, and its operation kept;
- ``shapes``: what an operation asks of a value becomes one function from rows to the answer;
- ``plans``: the fields of Query, asked together, each by its own resolver;
- ``http``: the road of a request that needs nothing else.

What fields mean is written in the resolvers alone: plans call them, as the executor does for the documents
that are left to it (introspection, and whatever is wrong with a document or a value).
"""
