"""Work beside the main thread ends, whatever fails."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future
from functools import partial
from threading import Event

import pytest

from loaders.background import begun, settle


class Stopped(Exception):
    """What the test raises."""


def test_nobody_waits_for_what_will_not_be_done() -> None:
    """One thread works, the other waits for what the first would do next: a failure ends both."""
    entered, ended = Event(), Event()
    known: Future[None] = Future()

    def work() -> None:
        entered.set()
        assert ended.wait(20)

    def wait() -> None:
        known.result(20)

    def stop() -> None:
        known.cancel()
        ended.set()

    works = [work, wait, partial(settle, known, lambda: None), wait]
    with pytest.raises(Stopped), begun(works, 2, stop) as under_way:
        assert entered.wait(20)
        raise Stopped
    assert under_way[0].exception() is None
    assert isinstance(under_way[1].exception(), CancelledError)
    assert under_way[2].cancelled() and under_way[3].cancelled()


def test_what_fails_is_raised_and_ends_the_rest() -> None:
    stopped = Event()

    def fail() -> None:
        raise Stopped

    with pytest.raises(Stopped), begun([fail, lambda: None], 1, stopped.set):
        pass
    assert stopped.is_set()


def test_what_was_cancelled_is_not_done() -> None:
    future: Future[None] = Future()
    future.cancel()
    settle(future, lambda: pytest.fail("it was cancelled"))
