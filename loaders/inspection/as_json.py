"""A report as JSON, for programs."""

from __future__ import annotations

from typing import Any

import numpy as np

from loaders.inspection.fields import FieldGuess
from loaders.inspection.inspect import FileReport, LayerReport
from loaders.inspection.proposal import Proposal
from loaders.inspection.toml import mapping_toml
from twin.errors import Language


def as_json(report: FileReport, lang: Language) -> dict[str, Any]:
    """All that was found."""
    return {
        "file": report.location.name,
        "format": report.format,
        "kinds": report.kinds,
        "layers": [_layer(layer, report, lang) for layer in report.layers],
    }


def _layer(layer: LayerReport, report: FileReport, lang: Language) -> dict[str, Any]:
    if layer.problem is not None:
        return {"name": layer.name, "problem": {"code": layer.problem.code, "text": layer.problem.text(lang)}}
    shift = layer.shift
    return {
        "name": layer.name,
        "count": layer.count,
        "read": layer.read,
        "sampled": layer.sampled,
        "whole": layer.whole,
        "unread": layer.unread,
        "geometry_types": layer.types,
        "encoding": layer.encoding,
        "encoding_found": layer.encoding_found,
        "notes": list(layer.notes),
        "columns": [
            {"name": c.name, "filled": c.filled, "distinct": len(c.counts), "examples": [*c.counts][:3]}
            for c in layer.columns
        ],
        "rows": list(layer.rows),
        "shift": shift
        and {
            "crs": shift.code,
            "kind": shift.kind,
            "metres": round(shift.as_they_are, 1),
            "metres_undone": round(shift.undone, 1),
            "positions": shift.positions,
        },
        "proposal": layer.proposal and _proposal(layer.proposal, lang),
        "mapping": layer.proposal and mapping_toml(layer.proposal, report.location.name, layer.name, lang),
    }


def _proposal(found: Proposal, lang: Language) -> dict[str, Any]:
    positions = found.positions
    there = np.isfinite(positions.x) & np.isfinite(positions.y)
    x, y = positions.x[there], positions.y[there]
    return {
        "kind": found.kind,
        "kinds": [_sure(k, lang) | {"kind": k.kind, "score": k.score} for k in found.kinds],
        "declared_crs": found.system.declared,
        "crs": [_sure(s, lang) | {"crs": s.code, "exchanged": s.exchanged} for s in found.system.guesses],
        "bounds": [float(v) for v in (x.min(), y.min(), x.max(), y.max())] if len(x) else None,
        "position": list(positions.columns),
        "key": found.key and _sure(found.key, lang) | {"column": found.key.column},
        "fields": [_field(guess, lang) for guess in found.fields],
    }


def _field(guess: FieldGuess, lang: Language) -> dict[str, Any]:
    said = {"column": guess.column, "field": guess.target.name, "unit": guess.unit, "order": guess.order}
    return said | _sure(guess, lang)


def _sure(guess: Any, lang: Language) -> dict[str, Any]:
    return {"confidence": guess.confidence.name.lower(), "why": guess.why.text(lang)}
