"""Assets to files: read as one snapshot, brought to a coordinate system, written by one format's file."""
