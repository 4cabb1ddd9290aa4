"""What a person sees while stages run, and what is recorded of them."""

import io

import numpy as np
import pytest

from api.progress import Plain, Silent, Stage, StageRecorder, Terminal, open_display, stage_table


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_stage_records_its_rows_seconds_and_peak_memory():
    stages = StageRecorder()
    with stages.stage("window graph") as stage:
        held = np.ones(40_000_000, dtype=np.uint8)  # 40 MB, touched
        stage.rows = 7
    assert held[0] == 1
    (row,) = stages.rows()
    assert row["name"] == "window graph"
    assert row["rows"] == 7
    assert row["seconds"] > 0
    assert row["peak_mb"] > 40


def test_memory_given_back_before_the_end_still_counts_as_peak():
    stages = StageRecorder()
    with stages.stage("small"):
        pass
    with stages.stage("large then small") as stage:
        held = np.ones(200_000_000, dtype=np.uint8)
        for _ in range(40):
            held[:] = 2  # long enough for the sampler to see it
        del held
        stage.rows = 0
    small, large = stages.rows()
    assert large["peak_mb"] > small["peak_mb"] + 100


def broken(*_: object) -> float:
    raise OSError("/proc is not there")


@pytest.mark.parametrize("fault", ["api.progress.resident_mb", "threading.Thread.start"])
def test_a_figure_that_cannot_be_read_neither_stops_the_work_nor_hides_why_it_failed(monkeypatch, fault):
    error = RuntimeError("can't start new thread")
    monkeypatch.setattr(fault, broken if fault.endswith("mb") else lambda _: (_ for _ in ()).throw(error))
    stages = StageRecorder()
    with stages.stage("works") as stage:
        stage.rows = 3
    with pytest.raises(ZeroDivisionError), stages.stage("fails"):
        _ = 1 / 0
    assert [row["name"] for row in stages.rows()] == ["works"]


def test_stages_are_kept_in_order_and_a_failed_one_is_shown_but_not_recorded():
    stream = io.StringIO()
    stages = StageRecorder(Plain(stream))
    with stages.stage("first"):
        pass
    with pytest.raises(ValueError, match="broken"), stages.stage("second"):
        raise ValueError("broken")
    assert [row["name"] for row in stages.rows()] == ["first"]
    assert "second: failed after" in stream.getvalue()


def test_plain_lines_name_rows_seconds_and_memory():
    stream = io.StringIO()
    stages = StageRecorder(Plain(stream))
    with stages.stage("read") as stage:
        stage.rows = 1200
    line = stream.getvalue()
    assert line.startswith("read: done, 1,200 rows, ")
    assert line.endswith(" MB\n")


def test_plain_lines_of_one_stage_do_not_flood_a_log():
    stream = io.StringIO()
    display = Plain(stream)
    stage = Stage("read", display)
    display.began(stage)
    for done in range(10_000):
        stage.progress(done, 10_000)
    assert stream.getvalue().count("\n") <= 1


def test_a_long_stage_tells_how_far_it_is(monkeypatch):
    monkeypatch.setattr("api.progress.PLAIN_SECONDS", 0.0)
    stream = io.StringIO()
    stages = StageRecorder(Plain(stream))
    with stages.stage("train") as stage:
        stage.progress(3, 10)
        stage.progress(4)
    assert stream.getvalue().splitlines()[:2] == ["train: 3 of 10", "train: 4"]


def test_a_terminal_shows_the_stage_under_way_and_a_line_for_each_that_ended():
    stream = Tty()
    stages = StageRecorder(Terminal(stream))
    with stages.stage("lake [slice]") as stage:  # brackets are text, not markup
        stage.progress(1, 2)
        stages.say("half way")
    stages.display.close()
    shown = stream.getvalue()
    assert "lake [slice]" in shown
    assert "half way" in shown
    assert "✓ lake [slice]: " in shown


@pytest.mark.parametrize(
    ("stream", "as_json", "kind"), [(Tty(), False, Terminal), (io.StringIO(), False, Plain), (Tty(), True, Silent)]
)
def test_the_display_fits_where_it_is_shown(stream, as_json, kind):
    assert isinstance(open_display(as_json, stream), kind)


def test_the_table_is_aligned_and_ends_with_the_sum_of_seconds_and_the_highest_peak():
    rows = (
        {"name": "window graph", "rows": 1_000_000, "seconds": 1.25, "peak_mb": 900.0},
        {"name": "publish", "rows": None, "seconds": 0.75, "peak_mb": 1200.0},
    )
    lines = stage_table(rows).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert "1,000,000" in lines[1]
    assert lines[-1].split() == ["total", "2.0", "1,200"]
