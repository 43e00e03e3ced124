"""The embedded database: a private PostgreSQL with PostGIS, made and kept by City Twin itself.

It listens on a Unix socket only. The socket and the data lie in folders of mode 0700 that belong to the
server's user, and that is the whole protection: whoever can enter (that user and root) is trusted under
any role (``local all all trust``), nobody else can even reach the socket.

An ordinary user runs it as himself. Root, as whom PostgreSQL refuses to run, runs it as ``postgres``. See
``place`` for where it lies, ``tuning`` for its settings, ``server`` for starting and stopping it.
"""

from __future__ import annotations

from twin.registry.embedded.server import Server

__all__ = ["Server"]
