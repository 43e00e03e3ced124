"""Files that come through the web: where they lie, and the work on them, which a worker does."""
