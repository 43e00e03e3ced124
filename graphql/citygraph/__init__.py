"""The GraphQL API: types made from the kinds, resolvers that ask the registry one statement each.

- ``schema``: the schema of the kinds that there are;
- ``execution``: running documents and trusted operations within this process;
- ``app``: the same over HTTP, with GraphiQL.
"""
