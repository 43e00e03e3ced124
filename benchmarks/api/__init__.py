"""How fast the API answers, against PostGraphile, tipg and bare handlers: ``python -m benchmarks.api``."""
