"""What is in a file: its layers, columns, encoding and coordinate system, and a mapping proposed for it."""

from __future__ import annotations
