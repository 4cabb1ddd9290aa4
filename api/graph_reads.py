"""The graph store as a server reads it: one open handle, a few threads of its own, a bounded queue. Knows no route.

To open the embedded store costs hundreds of milliseconds on a large graph, so a handle is opened once and shared until
the store points elsewhere. Then who reads next opens the new one, and the old one is closed when its last reader is
done. The threads are few and apart from those that answer everything else: however many ask for neighbours, look-ups
go on.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Final, TypeVar

from api.problems import ProblemError
from graph.errors import StoreError
from graph.store import GraphStore

THREADS: Final = 2  # the embedded store answers one query at a time; the second thread shapes what the first has read
MOST_WAITING: Final = 256  # a query takes 5 to 20 ms: who comes later would wait for seconds
RETRY_SECONDS: Final = "1"
Answer = TypeVar("Answer")


class _Handle:
    """An open store and how many read from it; `retired` where another has taken its place."""

    def __init__(self, store: GraphStore) -> None:
        self.store = store
        self.readers = 0
        self.retired = False


class GraphReads:
    """Reads of one graph store. `open_store` opens a handle for all of them."""

    def __init__(self, open_store: Callable[[], GraphStore], most_waiting: int = MOST_WAITING) -> None:
        self._open_store = open_store
        self._most_waiting = most_waiting
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="graph-read")
        self._guard = threading.Lock()
        self._handle: _Handle | None = None
        self._waiting = 0  # touched on the event loop alone

    async def ask(self, question: Callable[[GraphStore], Answer]) -> Answer:
        """What the question gives on the current store, on a thread of ours.

        Raises what the question raises, and ProblemError 503 where too many wait already.
        """
        if self._waiting >= self._most_waiting:
            detail = f"{self._waiting} requests wait for the graph store. Ask again in a moment."
            raise ProblemError(503, "STORE-BUSY", "Too many at a time", detail, {"Retry-After": RETRY_SECONDS})
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, question)
        finally:
            self._waiting -= 1

    def follow(self) -> None:
        """Let go of a handle that the store has left behind, though nobody asks."""
        with self._guard, suppress(StoreError):  # who asks next is told
            if self._handle is not None and self._handle.store.outdated():
                self._retire()

    def close(self) -> None:
        """Let go of the store once those who read from it are done."""
        self._threads.shutdown(cancel_futures=True)
        with self._guard:
            self._retire()

    def _answer(self, question: Callable[[GraphStore], Answer]) -> Answer:
        with self._held() as handle:
            try:
                return question(handle.store)
            except StoreError:
                with self._guard:
                    if self._handle is handle:  # the next one opens it anew
                        self._retire()
                raise

    @contextmanager
    def _held(self) -> Iterator[_Handle]:
        with self._guard:
            if self._handle is not None and self._handle.store.outdated():
                self._retire()
            if self._handle is None:
                self._handle = _Handle(self._open_store())
            handle = self._handle
            handle.readers += 1
        try:
            yield handle
        finally:
            with self._guard:
                handle.readers -= 1
                self._close_unread(handle)

    def _retire(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.retired = True
            self._close_unread(handle)

    def _close_unread(self, handle: _Handle) -> None:
        if handle.retired and not handle.readers:
            handle.store.close()
