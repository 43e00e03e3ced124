"""How fast files become assets, against the tools that GIS teams use: ``python -m benchmarks.load``.

``inputs`` makes the files from the invented city, ``lab`` the server and what is run on it, ``peers`` are the
competitors, ``ours`` is ``twin load``, ``bars`` what is required, ``page`` what is written about it.
"""
