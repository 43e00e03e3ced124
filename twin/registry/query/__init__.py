"""What is asked of the registry: the meaning of every filter, order and field, written once.

- ``where``: filters in GraphQL's own JSON shape, as a condition over ``api.asset``;
- ``ordering``: orders, and the cursors that hold a place in them;
- ``fields``: what can be asked of an asset, as SQL that answers with just that;
- ``pages``, ``read``, ``counts``, ``registry``: questions, each one statement and what its rows mean;
- ``sql``: running them.

GraphQL, ``twin find``, ``twin export`` and the pages all ask through these.
"""
