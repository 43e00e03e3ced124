"""Work beside the main thread: batches read and written while others are judged, indexes side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")


class Background:
    """A thread that does work in its order; ``waiting`` pieces of it may wait behind the present one."""

    def __init__(self, waiting: int = 1) -> None:
        self._threads = ThreadPoolExecutor(1)
        self._given: deque[Future[None]] = deque()
        self._waiting = waiting

    def give(self, work: Callable[[], None]) -> None:
        """Have it done, waiting where enough is to be done before. Raises what earlier work raised."""
        while len(self._given) > self._waiting:
            self._given.popleft().result()
        self._given.append(self._threads.submit(work))

    def finish(self) -> None:
        """Wait until all is done. Raises what it raised."""
        while self._given:
            self._given.popleft().result()

    def stop(self) -> None:
        """Let nothing begin that has not begun, and wait for what has."""
        self._threads.shutdown(wait=True, cancel_futures=True)


def beside(work: Callable[[], T]) -> Future[T]:
    """Begin work on a thread of its own; who asks for the result waits, and gets what it raised.

    Where nobody asks, nobody waits: not even the interpreter as it ends.
    """
    future: Future[T] = Future()
    Thread(target=settle, args=(future, work), daemon=True).start()
    return future


def settle(future: Future[T], work: Callable[[], T]) -> None:
    """Do what others wait for, unless it was cancelled: who asks gets its result, or what it raised."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
        future.set_exception(error)


def results(futures: Iterable[Future[None]]) -> None:
    """Wait for them one after the other. Raises what the first of them that failed raised, at once."""
    for future in futures:
        future.result()


AHEAD = 1
"""Pieces that are made while what came of one before is worked on: more take memory, and save nothing."""


def ahead(make: Callable[[S], T], pieces: Iterable[S]) -> Iterator[T]:
    """What is made of each piece, on another thread, some of them ahead of who works on it.

    The pieces come by the caller's thread: GDAL keeps for each thread how it reads. Raises what that raises.
    """
    thread = ThreadPoolExecutor(1)
    made: deque[Future[T]] = deque()
    try:
        for piece in pieces:
            made.append(thread.submit(make, piece))
            if len(made) > AHEAD:
                yield made.popleft().result()
        while made:
            yield made.popleft().result()
    finally:
        thread.shutdown(wait=False, cancel_futures=True)


def side_by_side(works: list[Callable[[], None]], threads: int) -> None:
    """Do all of them, so many at a time, the first ones first. Raises what the first that fails raises."""
    with begun(works, threads):
        pass


@contextmanager
def begun(
    works: list[Callable[[], None]], threads: int, stop: Callable[[], None] = lambda: None
) -> Iterator[list[Future[None]]]:
    """The same beside what the block does, which ends with them: one may wait for those before it.

    Where the block or one of them fails nothing more begins, and ``stop`` has to end what was begun.
    """
    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(work) for work in works]
        try:
            yield futures
            results(futures)
        except BaseException:
            # The last first: none begins to wait for one that will not be done.
            for future in reversed(futures):
                future.cancel()
            stop()
            raise
