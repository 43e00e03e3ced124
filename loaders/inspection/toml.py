"""A proposal as the mapping that ``twin load --mapping`` reads, with how sure each line is, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator

from loaders.inspection.confidence import Confidence, Why
from loaders.inspection.fields import FieldGuess
from loaders.inspection.proposal import Proposal
from twin.errors import Language

_TEXTS = {
    "head": (
        "Proposed by `twin inspect {name}`. Check what is likely; delete each guess, or the # before it.",
        "由 `twin inspect {name}` 生成。请核对标为“可能”的行；“猜测”以 # 注释，请取消注释或删除。",
    ),
    "layer": ("The layer {layer}: twin load --layer {layer}", "图层 {layer}：twin load --layer {layer}"),
    "no_kind": ('No kind fits for sure; say which: kind = "…"', '没有明显合适的种类，请指明：kind = "…"'),
    "exchanged": ("x and y are exchanged", "x 与 y 已对调"),
}


def mapping_toml(proposal: Proposal, name: str, layer: str | None, lang: Language) -> str:
    """The mapping as TOML; a file's name and layer stand in its first lines."""
    return "\n".join(_lines(proposal, name, layer, lang)) + "\n"


def _lines(proposal: Proposal, name: str, layer: str | None, lang: Language) -> Iterator[str]:
    yield f"# {_say('head', lang).format(name=_one_line(name))}"
    if layer is not None:
        yield f"# {_say('layer', lang).format(layer=_one_line(layer))}"
    if proposal.kind is None:
        yield f"# {_say('no_kind', lang)}"
        return
    yield _kind_line(proposal, lang)
    best = proposal.system.best
    if best is not None and proposal.system.declared is None:
        yield _line("crs", _quoted(best.code), best.confidence, best.why, lang)
    if proposal.key is not None:
        yield _line("key", _quoted(proposal.key.column), proposal.key.confidence, proposal.key.why, lang)
    yield ""
    yield "[fields]"
    for guess in proposal.fields:
        yield _line(guess.target.name, _source(guess), guess.confidence, guess.why, lang)
    yield from _position(proposal, lang)


def _kind_line(proposal: Proposal, lang: Language) -> str:
    if proposal.kind_said or not proposal.kinds:
        return f"kind = {_quoted(proposal.kind or '')}"
    first = proposal.kinds[0]
    return _line("kind", _quoted(first.kind), first.confidence, first.why, lang)


def _position(proposal: Proposal, lang: Language) -> Iterator[str]:
    sure, why = proposal.position_confidence, proposal.positions.why
    for part, column in (("lon", proposal.lon), ("lat", proposal.lat), ("wkt", proposal.positions.wkt)):
        if column is not None and sure is not None and why is not None:
            yield _line(part, _quoted(column), max(sure, Confidence.LIKELY), why, lang)


def _source(guess: FieldGuess) -> str:
    more = [
        f", {part} = {_quoted(said)}" for part, said in (("unit", guess.unit), ("order", guess.order)) if said
    ]
    column = _quoted(guess.column)
    return f"{{ column = {column}{''.join(more)} }}" if more else column


def _line(entry: str, value: str, confidence: Confidence, why: Why, lang: Language) -> str:
    """One entry; a guess is only a comment."""
    colon = "：" if lang == "zh" else ": "
    mark = "# " if confidence is Confidence.GUESS else ""
    return f"{mark}{entry} = {value}  # {confidence.word(lang)}{colon}{_one_line(why.text(lang))}"


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are all among TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _one_line(text: str) -> str:
    """What can stand in a comment: no line breaks, and no control characters, which TOML forbids there."""
    return "".join(c if c.isprintable() else "\ufffd" for c in " ".join(text.split()))


def _say(name: str, lang: Language) -> str:
    return _TEXTS[name][lang == "zh"]
