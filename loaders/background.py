"""Work beside the main thread: batches written while the next are judged, indexes built side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Background:
    """A thread that does one piece of work after the other, in their order; few of them wait."""

    def __init__(self, waiting: int = 1) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._given: deque[Future[None]] = deque()
        self._waiting = waiting

    def give(self, work: Callable[[], None]) -> None:
        """Have it done, waiting where enough is to be done before. Raises what earlier work raised."""
        while len(self._given) > self._waiting:
            self._given.popleft().result()
        self._given.append(self._thread.submit(work))

    def finish(self) -> None:
        """Wait until all is done. Raises what it raised."""
        while self._given:
            self._given.popleft().result()

    def stop(self) -> None:
        """Let nothing begin that has not begun, and wait for what has."""
        self._thread.shutdown(wait=True, cancel_futures=True)


def side_by_side(works: list[Callable[[], None]], threads: int) -> None:
    """Do all of them, so many at a time, the first ones first. Raises what the first that fails raises."""
    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(work) for work in works]
        try:
            for future in futures:
                future.result()
        except BaseException:
            for future in futures:
                future.cancel()
            raise
