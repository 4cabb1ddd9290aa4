"""Detectors one after another, each in a process of its own, so that its memory can be told. Knows no detector.

A fresh host process gets the scenes once and forks for each detector. The child prepares what the detector needs, fits
and scores; its growth is the detector's alone: peak resident memory (the kernel's high-water mark, nothing sampled)
minus what it held at the fork, minus the pages of libraries that it touched since. What torch, scikit-learn and numpy
allocate is in it, as it would not be in tracemalloc. One thread each: CPU seconds of spinning threads say nothing.

Imports nothing heavy by itself, so that the host can silence what libraries say to programmers before it loads them.
"""

import multiprocessing
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

import psutil

from graph.errors import RingleaderError

if TYPE_CHECKING:
    from gnn.fit import TrainOptions
    from gnn.references.detector import Detector, Finished
    from gnn.scene import Scene

MEGABYTE = 1_000_000
MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024  # unit of ru_maxrss
Tell = Callable[[int, str], None]


@dataclass(frozen=True)
class _Work:
    detectors: "tuple[Detector, ...]"
    taught: "Scene"
    asked: "Scene"
    options: "TrainOptions"


def run_apart(
    detectors: "Sequence[Detector]", taught: "Scene", asked: "Scene", options: "TrainOptions", tell: Tell
) -> "list[Finished]":
    """Every detector's scores and cost, in order; `tell` gets the number and name of the one that begins.

    Raises what a detector raised, and RingleaderError where its process was ended from outside.
    """
    work = _Work(tuple(detectors), taught, asked, options)
    finished = []
    with _hosted() as host:
        host.send(work)
        for at, detector in enumerate(work.detectors):
            tell(at, detector.name)
            finished.append(_answer(host, detector.name))
    return finished


@contextmanager
def _hosted() -> Iterator[Connection]:
    """The pipe to a host process, which ends with the block."""
    fresh = multiprocessing.get_context("spawn")  # forking this process would copy its threads' locks
    ours, theirs = fresh.Pipe()
    host = fresh.Process(target=_host, args=(theirs,), name="references")
    host.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        host.join()
        host.close()


def _answer(host: Connection, name: str) -> "Finished":
    try:
        answer: Any = host.recv()
    except EOFError:
        answer = None
    if answer is None:
        reason = "its process was ended from outside, most likely for want of memory"
        raise RingleaderError(name, reason, "Give the machine more memory or evaluate on a smaller world")
    if isinstance(answer, Exception):
        raise answer
    found: Finished = answer
    return found


def _host(pipe: Connection) -> None:
    warnings.simplefilter("ignore")
    try:
        work: _Work = pipe.recv()
    except Exception as error:  # noqa: BLE001  raised again in the process that asked
        pipe.send(error)
        return
    import torch
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

    torch.set_num_threads(1)
    with threadpool_limits(1):
        for detector in work.detectors:
            if not _forked(detector, work, pipe):
                return


def _forked(detector: "Detector", work: _Work, pipe: Connection) -> bool:
    """Runs one detector in a fork and hands on what it answers; False where nobody waits for it any more."""
    forks = multiprocessing.get_context("fork")
    ours, theirs = forks.Pipe(duplex=False)
    child = forks.Process(target=_child, args=(detector, work, theirs))
    child.start()
    theirs.close()
    waited_for = pipe not in wait([ours, pipe])  # the other end sends nothing more: ready means closed
    if waited_for:
        try:
            pipe.send_bytes(ours.recv_bytes())
        except EOFError:
            pipe.send(None)
    else:
        child.terminate()
    child.join()
    return waited_for


def _child(detector: "Detector", work: _Work, pipe: Connection) -> None:
    answer: Finished | Exception
    try:
        answer = _measured(detector, work)
    except Exception as error:  # noqa: BLE001  raised again in the process that asked
        answer = error
    pipe.send(answer)


def _measured(detector: "Detector", work: _Work) -> "Finished":
    from gnn.references.detector import PREPARE, run

    before, began = psutil.Process().memory_info(), time.process_time()
    scenes = [work.asked] if work.taught is work.asked else [work.taught, work.asked]
    prepared = [PREPARE[detector.needs](scene) for scene in scenes]  # once more, and held, to see what it takes
    found = run(detector, work.taught, work.asked, work.options)
    seconds, peak = time.process_time() - began, _growth_mb(before)
    del prepared
    return replace(found, timed=replace(found.timed, cpu_seconds=seconds, peak_mb=peak))


def _growth_mb(before: Any) -> float:
    """Growth of this process's private memory from `before` to its peak, MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_BYTES
    now = psutil.Process().memory_info()
    libraries = getattr(now, "shared", 0) - getattr(before, "shared", 0)
    return float(max(peak - before.rss - libraries, 0)) / MEGABYTE
