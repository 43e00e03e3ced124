"""Extracts of OpenStreetMap: their blocks, their objects, their boundaries, and all of them as a city."""
