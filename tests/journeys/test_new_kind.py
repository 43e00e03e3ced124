"""A newcomer adds ``twin/kinds/hydrant.py`` and nothing else: loading, GraphQL, SQL view and page follow."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pyogrio
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("twin", "loaders", "spatial", "graphql")

HYDRANT = '''\
"""Fire hydrants (消火栓)."""

from __future__ import annotations

from twin.kinds.model import Attribute, Choice, ClassCode, Identifier, Kind, OsmSelector

_OSM = "OpenStreetMap wiki, Tag:emergency=fire_hydrant [M]"

TYPES = (
    Choice("pillar", "Pillar", "地上式", ("地上", "aboveground")),
    Choice("underground", "Underground", "地下式", ("地下",)),
    Choice("other", "Other", "其他"),
)

KIND = Kind(
    name="hydrant",
    plural="hydrants",
    en="Hydrant",
    zh="消火栓",
    geometry=("Point",),
    classes=(
        ClassCode("0113", "Fire-fighting facility", "消防设施", "GB/T 30428.2 in deployed lists [S]"),
    ),
    attributes=(
        Attribute(
            "hydrant_type",
            "choice",
            "Hydrant type",
            "消火栓形式",
            _OSM,
            choices=TYPES,
            names=("fire_hydrant:type", "形式"),
            indexed=True,
            fallback="other",
        ),
        Attribute(
            "outlet_diameter",
            "number",
            "Outlet diameter",
            "出水口径",
            "ours",
            unit="mm",
            names=("口径",),
            indexed=True,
            minimum=0,
            maximum=1000,
        ),
        Attribute("outlets", "integer", "Outlets", "出水口数", "ours", minimum=0, maximum=10),
        Attribute("tested", "date", "Last tested", "上次试水日期", "ours", names=("试水日期",)),
    ),
    identifiers=(
        Identifier("hydrant_number", "Hydrant number", "消火栓编号", "the operator's own", names=("ref",)),
    ),
    osm=(OsmSelector("emergency", ("fire_hydrant",)),),
)
'''

HYDRANTS: dict[str, Any] = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {
                "source_key": f"H{number}",
                "形式": form,
                "口径": 65.5 + number,
                "Outlets": 2,
                "试水日期": f"2024-05-0{number}",
            },
            "geometry": {"type": "Point", "coordinates": [121.5 + number / 1000, 31.2]},
        }
        for number, form in ((1, "地上式"), (2, "地下"), (3, "pillar"))
    ],
}
TYPED = {"H1": ("pillar", 66.5), "H2": ("underground", 67.5), "H3": ("pillar", 68.5)}


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the repository's packages with one file more, and the environment that runs it."""

    folder: Path
    environment: dict[str, str]

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "twin.cli", *arguments]

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def serving(self) -> Iterator[str]:
        """``twin serve`` on a free port; gives its address."""
        with subprocess.Popen(
            self.command("serve", "--port", "0"),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stderr is not None
                said = process.stderr.readline()
                address = re.search(r"http://[^ ]+?:\d+", said)
                assert address, said + process.stderr.read()
                yield address[0]
            finally:
                process.terminate()
                process.wait(20)


@pytest.fixture
def copy(tmp_path: Path, database_url: str) -> Copy:
    folder = tmp_path / "repository"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    added = folder / "twin" / "kinds" / "hydrant.py"
    assert not added.exists()
    added.write_text(HYDRANT, encoding="utf-8")
    path = os.pathsep.join([str(folder), str(folder / "graphql")])
    environment = {**os.environ, "PYTHONPATH": path, "TWIN_DATABASE_URL": database_url}
    environment.pop("TWIN_KINDS_PATH", None)
    made = Copy(folder, environment)
    where = "import twin, loaders, spatial, citygraph as c; print(twin, loaders, spatial, c)"
    found = subprocess.run(
        [sys.executable, "-c", where], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.count(str(folder)) == len(PACKAGES), "another installation is in the copy's way"
    made.run("home", "310115")
    return made


@pytest.fixture
def load(copy: Copy) -> Callable[[Path], dict[str, Any]]:
    """Loads a file of hydrants; gives the receipt."""

    def receipt(file: Path) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(copy.run("load", str(file), "--kind", "hydrant", "--json"))
        return said

    return receipt


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "hydrants.geojson"
    written.write_text(json.dumps(HYDRANTS, ensure_ascii=False), encoding="utf-8")
    return written


def test_one_file_is_a_whole_kind(
    copy: Copy, load: Callable[[Path], dict[str, Any]], file: Path, database_url: str
) -> None:
    receipt = load(file)
    assert (receipt["read"], receipt["new"], receipt["rejected"]) == (3, 3, 0), receipt

    with psycopg.connect(database_url) as connection:
        types: dict[str, str] = dict(
            connection.execute(
                "SELECT column_name::text, data_type::text FROM information_schema.columns"
                " WHERE table_schema = 'city' AND table_name = 'hydrant'"
            ).fetchall()
        )
        rows = connection.execute(
            "SELECT source_key, code, hydrant_type, outlet_diameter, outlets, tested::text FROM city.hydrant"
        ).fetchall()
    expected = {
        "hydrant_type": "text",
        "outlet_diameter": "double precision",
        "outlets": "bigint",
        "tested": "date",
    }
    assert {name: types.get(name) for name in expected} == expected
    assert {row[0]: row[2:] for row in rows} == {
        key: (*typed, 2, f"2024-05-0{key[1]}") for key, typed in TYPED.items()
    }
    codes = {row[0]: row[1] for row in rows}
    assert all(code.startswith("310115-0113-") for code in codes.values())

    again = load(file)
    assert (again["new"], again["changed"], again["same"]) == (0, 0, 3), again

    with copy.serving() as address:
        document = """{
          hydrants(first: 5) {
            nodes { __typename code sourceKey hydrantType outletDiameter outlets tested }
          }
          large: hydrants(first: 5, where: {outletDiameter: {gte: 68}}) { nodes { sourceKey } }
          kinds { kind zh field }
        }"""
        answer = httpx.post(f"{address}/graphql", json={"query": document}, timeout=30).json()
        assert "errors" not in answer, answer
        data = answer["data"]
        assert {node["sourceKey"]: node for node in data["hydrants"]["nodes"]} == {
            key: {
                "__typename": "Hydrant",
                "code": codes[key],
                "sourceKey": key,
                "hydrantType": form.upper(),
                "outletDiameter": diameter,
                "outlets": 2,
                "tested": f"2024-05-0{key[1]}",
            }
            for key, (form, diameter) in TYPED.items()
        }
        assert data["large"]["nodes"] == [{"sourceKey": "H3"}]
        assert {"kind": "HYDRANT", "zh": "消火栓", "field": "hydrants"} in data["kinds"]

        page = httpx.get(f"{address}/a/{codes['H2']}?lang=zh", timeout=30)
        assert page.status_code == 200
        for words in (
            "消火栓",
            "<dt>消火栓形式</dt>",
            "地下式",
            "<dt>出水口径</dt>",
            "67.5\N{NO-BREAK SPACE}mm",
        ):
            assert words in page.text, words
        english = httpx.get(f"{address}/a/{codes['H2']}?lang=en", timeout=30).text
        assert "<dt>Hydrant type</dt>" in english
        assert "<dt>消火栓</dt><dd>3</dd>" in httpx.get(f"{address}/?lang=zh", timeout=30).text


def test_real_hydrants_come_in(
    load: Callable[[Path], dict[str, Any]], real_data: Path, database_url: str
) -> None:
    """Every hydrant of Helsinki that GDAL alone counts."""
    source = real_data / "helsinki" / "Helsinki.osm.pbf"
    expected = pyogrio.raw.read(
        source,
        layer="points",
        columns=["osm_id"],
        where="""other_tags LIKE '%"emergency"=>"fire_hydrant"%'""",
    )[3][0]
    assert len(expected) > 0
    receipt = load(source)
    assert receipt["new"] == len(expected), receipt
    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            "SELECT source_key, code FROM city.hydrant WHERE hydrant_type IS NULL OR hydrant_type = ANY(%s)",
            [["pillar", "underground", "other"]],
        ).fetchall()
    assert len(found) == len({code for _, code in found}) == len(expected)
    assert sorted(re.findall(r"\d+", key)[0] for key, _ in found) == sorted(map(str, expected))
