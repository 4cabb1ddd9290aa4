"""The first process of a server: it starts workers, replaces those that die, ends when asked. Knows no application.

One worker is supervised like several. A snapshot is mapped into memory, and whoever truncates a mapped file kills the
process that reads it next (SIGBUS): no handler and no `except` saves it, only another process can. The listening
socket belongs to the supervisor, so requests that come meanwhile wait for the new worker instead of being refused; the
one under way is lost.
"""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from socket import socket
from typing import Final

from uvicorn import Config
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

STARTUP_FAILURE: Final = 3  # the exit code of a worker that cannot start; uvicorn's own uses it too
SILENT_SECONDS: Final = 60  # a worker that says nothing for so long hangs; to start takes seconds on a busy machine
_SLICE_SECONDS: Final = 0.2  # of that wait, after which signals are looked at
_log = logging.getLogger("ringleader")


class Supervisor(Multiprocess):
    """Runs `config.workers` processes on the sockets. `forget` is called with the id of each process that has gone."""

    def __init__(self, config: Config, sockets: list[socket], forget: Callable[[int], None]) -> None:
        super().__init__(config, sockets)
        self._forget = forget
        self._known: set[int] = set()
        self._started = False  # whether any worker has answered yet
        self.failed = False

    def keep_subprocess_alive(self) -> None:
        """Replace each worker that has died or hangs. Where none has answered yet, one that fails ends the server."""
        for place, worker in enumerate(self.processes):
            started = self._ask(worker)
            if started is None and not self.should_exit.is_set():
                self._replace(place, worker)
            self._started |= bool(started)
        self._forget_gone()

    def terminate_all(self) -> None:
        """Ask all workers to end; whoever knocks from now on is refused and does not wait for nobody."""
        for listening in self.sockets:
            listening.close()
        super().terminate_all()

    def _ask(self, worker: Process) -> bool | None:
        """Whether a worker has started to answer requests; None where it is dead or says nothing."""
        deadline = time.monotonic() + SILENT_SECONDS
        try:
            worker.parent_conn.send(b"ping")
            while time.monotonic() < deadline and worker.process.is_alive() and not self.signal_queue:
                if wait([worker.parent_conn, worker.process.sentinel], _SLICE_SECONDS) == [worker.parent_conn]:
                    return bool(worker.parent_conn.recv())
        except (OSError, EOFError):
            return None
        return False if self.signal_queue and worker.process.is_alive() else None

    def _replace(self, place: int, worker: Process) -> None:
        worker.kill()
        worker.join()
        if not self._started and (worker.exitcode or 0) > 0:
            self.failed = True
            self.should_exit.set()
            return
        _log.error("worker %s ended (%s); another takes its place", worker.pid, _ending(worker.exitcode))
        successor = Process(self.config, self.sockets)
        successor.start()
        self.processes[place] = successor

    def _forget_gone(self) -> None:
        living = {worker.pid for worker in self.processes if worker.pid is not None}
        for pid in self._known - living:
            self._forget(pid)
        self._known = living


def end_with_parent(tidy: Callable[[], None]) -> None:
    """In a worker: end politely when the supervisor is gone, after `tidy`, instead of holding its port for ever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def follow() -> None:
        parent.join()
        tidy()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=follow, name="parent-watch", daemon=True).start()


def _ending(exitcode: int | None) -> str:
    """How a process ended, by its exit code: the signal's name where it was killed."""
    if exitcode is None or exitcode >= 0:
        return f"exit code {exitcode}"
    try:
        return signal.Signals(-exitcode).name
    except ValueError:
        return f"signal {-exitcode}"
