"""What the tests of real cities share: each file is loaded once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real.cities import Cities


@pytest.fixture(scope="session")
def cities(real_data: Path, new_database: Callable[[], str]) -> Cities:
    """Every city, loaded when it is asked for."""
    return Cities(real_data, new_database)
