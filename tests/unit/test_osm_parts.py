"""Parts of loading extracts: blocks, the order of kinds, what is put by on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from osm_files import OsmFile

from loaders import arrow
from loaders.arrow import Batch, Spool
from loaders.errors import FileBroken
from loaders.order import parents_first
from loaders.osm.blocks import area_relations, blocks
from twin.kinds import all_kinds, kind


def small(path: Path) -> Path:
    file = OsmFile()
    square = file.square(24.9, 60.1, 0.2, boundary="administrative")
    file.boundary([square, 99], 8, "Town", ref="091")
    file.relations.append(([square], {"type": "multipolygon", "building": "yes"}))
    return file.write(path)


def test_tags_of_boundaries_are_known_without_their_ways(tmp_path: Path) -> None:
    found, house = area_relations(small(tmp_path / "a.osm.pbf"))
    assert (found.id, found.tags["name"], found.tags["ref"]) == (1, "Town", "091")
    assert (house.id, house.tags["building"]) == (2, "yes")


@given(place=st.integers(0, 10_000), value=st.integers(0, 255))
def test_a_damaged_byte_is_told_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int
) -> None:
    path = small(tmp_path_factory.mktemp("osm") / "a.osm.pbf")
    data = bytearray(path.read_bytes())
    whole = list(blocks(path))
    data[place % len(data)] = value
    path.write_bytes(data)
    try:
        found = list(blocks(path))
        list(area_relations(path))
    except FileBroken:
        return
    assert all(content in (b"", *whole) for content in found)


@pytest.mark.parametrize("cut", range(1, 200, 13))
def test_a_file_that_is_cut_short_is_told(tmp_path: Path, cut: int) -> None:
    path = small(tmp_path / "a.osm.pbf")
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(FileBroken):
        list(blocks(path))


@given(st.permutations([*all_kinds()]))
def test_parents_come_first_and_the_rest_keeps_its_order(names: list[str]) -> None:
    ordered = parents_first(names, kind)
    assert sorted(ordered) == sorted(names)
    for name in names:
        above = set(kind(name).parents) - {name}
        assert all(ordered.index(parent) < ordered.index(name) for parent in above)
    free = [name for name in names if not kind(name).parents]
    assert [name for name in ordered if name in free] == free


def test_batches_are_put_by_and_come_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "rows")
    batches = [
        Batch({"a": arrow.texts(["x", None, str(n)]), "b": arrow.binaries([b"", None, b"\0"])}, 3)
        for n in range(3)
    ]
    for batch in batches:
        spool.add(batch)
    spool.close()
    assert spool.length == 9
    for _ in range(2):
        found = list(spool.batches())
        assert [one.length for one in found] == [3, 3, 3]
        for one, wanted in zip(found, batches, strict=True):
            for name, column in wanted.columns.items():
                assert np.array_equal(arrow.objects(one.columns[name]), arrow.objects(column))
    nothing = Spool(tmp_path / "nothing")
    nothing.close()
    assert list(nothing.batches()) == []
