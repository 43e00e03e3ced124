"""Files become assets: ``loaders.load`` is the whole road, ``loaders.formats`` what it can start from."""
