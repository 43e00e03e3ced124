"""The sample city on a server, for journeys that only look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import twin
from serving import serving

SAMPLE = Path(__file__).parents[2] / "fixtures" / "city"


@pytest.fixture(scope="session")
def sample_city(new_database: Callable[[], str]) -> Iterator[str]:
    """The address of a server with the sample city."""
    url = new_database()
    done = twin(url, "load", str(SAMPLE))
    assert done.returncode in {0, 1}, done.stderr
    with serving(url) as (address, _):
        yield address
