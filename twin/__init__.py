"""City Twin: the registry in which every physical asset of a city has one identity file (身份档案)."""

__version__ = "0.1.0"
