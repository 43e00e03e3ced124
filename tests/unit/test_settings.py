"""Settings are what the environment says, or an error that says which variable to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from twin.settings import ApiSettings, BadSetting, DatabaseSettings, Settings, WebSettings, WorkerSettings


def test_the_environment_is_read_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TWIN_API_MAX_PAGE", raising=False)
    usual = ApiSettings.read()
    monkeypatch.setenv("TWIN_API_MAX_PAGE", "12")
    assert (usual.max_page, ApiSettings.read().max_page) == (1_000, 12)


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_DATABASE_URL", "")
    monkeypatch.setenv("TWIN_HOME", "")
    assert DatabaseSettings.read() == DatabaseSettings(home=Path(".twin"), database_url=None)


def test_each_type_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in (("HOME", "somewhere"), ("WEB_LOADS", "local "), ("WORKER_KEEP_HOURS", "1.5")):
        monkeypatch.setenv(f"TWIN_{variable}", value)
    assert DatabaseSettings.read().home == Path("somewhere")
    assert WebSettings.read().loads == "local"
    assert WorkerSettings.read().keep_hours == 1.5


@pytest.mark.parametrize(
    ("settings", "variable", "value", "said"),
    [
        (ApiSettings, "TWIN_API_MAX_PAGE", "many", "`int`"),
        (ApiSettings, "TWIN_API_MAX_PAGE", "0", ">= 1"),
        (WorkerSettings, "TWIN_WORKER_SILENT_SECONDS", "1", ">= 2.0"),
        (WebSettings, "TWIN_WEB_LOADS", "everybody", "off, local, on"),
        (ApiSettings, "TWIN_API_MAX_PAGE", "\udcff", "encode"),
    ],
)
def test_what_cannot_be_is_named(
    monkeypatch: pytest.MonkeyPatch, settings: type[Settings], variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadSetting) as told:
        settings.read()
    for language in ("en", "zh"):
        text = told.value.text(language)
        assert variable in text and repr(value) in text and said in text
