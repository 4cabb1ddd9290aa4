"""Progress: stages with rows, seconds and peak memory, shown on a terminal, as plain lines, or not at all.

Knows nothing of what a stage does. Everything is written to standard error: standard output belongs to answers.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Any, Protocol, Self

MEGABYTE = 1_000_000
SAMPLE_SECONDS = 0.05  # a stage's memory peaks last longer than this; a sample costs some 20 µs
PLAIN_SECONDS = 5.0  # between two lines of one stage, so that a log stays readable


def resident_mb() -> float:
    """Resident memory of this process in MB, its children not counted."""
    import psutil  # not needed by the commands that answer at once

    return float(psutil.Process(os.getpid()).memory_info().rss) / MEGABYTE


class Display(Protocol):
    """What a person sees of the stages."""

    def began(self, stage: "Stage") -> None: ...
    def moved(self, stage: "Stage") -> None: ...
    def ended(self, stage: "Stage", failed: bool) -> None: ...
    def say(self, line: str) -> None: ...
    def close(self) -> None: ...


@dataclass
class Stage:
    """One step under way. Set `rows` to what came out; call `progress` as often as you like."""

    name: str
    display: Display
    rows: int | None = None
    done: int = 0
    total: int | None = None
    doing: str = ""
    seconds: float = 0.0
    peak_mb: float = 0.0
    began: float = field(default_factory=time.perf_counter)

    def progress(self, done: int, total: int | None = None, doing: str = "") -> None:
        """`done` of `total` (rows, epochs, batches), None where nobody knows; `doing` names the part under way."""
        self.done, self.total, self.doing = done, total, doing
        self.display.moved(self)

    def row(self) -> dict[str, object]:
        return {
            "name": self.name,
            "rows": self.rows,
            "seconds": round(self.seconds, 3),
            "peak_mb": round(self.peak_mb, 1),
        }


class MemorySampler:
    """The highest resident memory between entry and exit, sampled by a thread.

    Where it cannot be read or no thread can be started the figure is what was read, 0 at worst: a figure never stops
    the work that it is about, nor stands before the cause of a failure.
    """

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory-sampler", daemon=True)

    def __enter__(self) -> Self:
        self._sample()
        with suppress(RuntimeError):  # no thread can be started
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._sample()

    def _sample(self) -> None:
        with suppress(Exception):  # psutil raises kinds of its own, the system OSError
            self.peak_mb = max(self.peak_mb, resident_mb())

    def _run(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            self._sample()


class StageRecorder:
    """Runs stages one after another and keeps what each took.

    >>> stages = StageRecorder()
    >>> with stages.stage("window graph") as stage:
    ...     stage.rows = 3
    >>> [(row["name"], row["rows"]) for row in stages.rows()]
    [('window graph', 3)]
    """

    def __init__(self, display: Display | None = None) -> None:
        self.display: Display = display or Silent()
        self._finished: list[Stage] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Times the body and samples its memory. A stage whose body raises is shown as failed and not recorded."""
        stage = Stage(name, self.display)
        self.display.began(stage)
        failed, memory = True, MemorySampler()
        try:
            with memory:
                yield stage
            failed = False
        finally:
            stage.seconds = time.perf_counter() - stage.began
            stage.peak_mb = memory.peak_mb
            self.display.ended(stage, failed)
        self._finished.append(stage)

    def rows(self) -> tuple[dict[str, object], ...]:
        """`name`, `rows` (None where not counted), `seconds`, `peak_mb` of each stage finished, in order."""
        return tuple(stage.row() for stage in self._finished)

    def say(self, line: str) -> None:
        """One line to the person who waits, between stages."""
        self.display.say(line)

    def table(self) -> str:
        """The stages as an aligned text table with a total."""
        return stage_table(self.rows())


class Silent:
    """Shows nothing: for `--json`, tests and notebooks."""

    def began(self, stage: Stage) -> None: ...
    def moved(self, stage: Stage) -> None: ...
    def ended(self, stage: Stage, failed: bool) -> None: ...
    def say(self, line: str) -> None: ...
    def close(self) -> None: ...


class Plain:
    """A line when a stage ends, and one every few seconds of a long stage: for logs and pipes."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._last = 0.0

    def began(self, stage: Stage) -> None:
        self._last = time.perf_counter()

    def moved(self, stage: Stage) -> None:
        now = time.perf_counter()
        if now - self._last >= PLAIN_SECONDS:
            self._last = now
            self.say(f"{stage.name}: {progress_words(stage)}")

    def ended(self, stage: Stage, failed: bool) -> None:
        self.say(f"{stage.name}: {'failed after' if failed else 'done,'} {stage_words(stage)}")

    def say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)

    def close(self) -> None: ...


class Terminal:
    """A live bar for the stage under way above a line for each finished one."""

    def __init__(self, stream: IO[str]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[words]}", markup=False),
            TimeElapsedColumn(),
            console=Console(file=stream),
            transient=True,
        )
        self._tasks: dict[int, Any] = {}

    def began(self, stage: Stage) -> None:
        self._bars.start()
        self._tasks[id(stage)] = self._bars.add_task(stage.name, total=None, words="")

    def moved(self, stage: Stage) -> None:
        task = self._tasks[id(stage)]
        self._bars.update(task, completed=stage.done, total=stage.total, words=progress_words(stage))

    def ended(self, stage: Stage, failed: bool) -> None:
        self._bars.remove_task(self._tasks.pop(id(stage)))
        self.say(f"{'✗' if failed else '✓'} {stage.name}: {stage_words(stage)}")
        if not self._tasks:
            self._bars.stop()

    def say(self, line: str) -> None:
        self._bars.console.print(line, markup=False, highlight=False)

    def close(self) -> None:
        self._bars.stop()


def open_display(as_json: bool, stream: IO[str] | None = None) -> Display:
    """Bars on a terminal, plain lines elsewhere, nothing with `--json`."""
    stream = stream or sys.stderr
    if as_json:
        return Silent()
    return Terminal(stream) if stream.isatty() else Plain(stream)


def progress_words(stage: Stage) -> str:
    counted = f"{stage.done:,}" if stage.total is None else f"{stage.done:,} of {stage.total:,}"
    return f"{stage.doing} {counted}" if stage.doing else counted


def stage_words(stage: Stage) -> str:
    rows = "" if stage.rows is None else f"{stage.rows:,} rows, "
    return f"{rows}{stage.seconds:.1f} s, {stage.peak_mb:,.0f} MB"


def stage_table(rows: Sequence[dict[str, object]]) -> str:
    """`StageRecorder.rows()` as an aligned text table; the last line holds the sum of seconds and the highest peak."""
    cells = [_cells(row) for row in rows]
    total = sum(_number(row["seconds"]) for row in rows)
    peak = max((_number(row["peak_mb"]) for row in rows), default=0.0)
    lines = [("stage", "rows", "seconds", "peak MB"), *cells, ("total", "", f"{total:.1f}", f"{peak:,.0f}")]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    return "\n".join(_aligned(line, widths) for line in lines)


def _cells(row: dict[str, object]) -> tuple[str, str, str, str]:
    rows = row["rows"]
    shown = f"{rows:,}" if isinstance(rows, int) else ""
    return str(row["name"]), shown, f"{_number(row['seconds']):.1f}", f"{_number(row['peak_mb']):,.0f}"


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    name, *figures = line
    return "  ".join(
        [name.ljust(widths[0]), *(figure.rjust(width) for figure, width in zip(figures, widths[1:], strict=True))]
    )
