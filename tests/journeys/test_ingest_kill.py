"""An ingest killed at every file operation and every step: each day is old or new, and a rerun mends everything."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Forks before Arrow or DuckDB have started a thread. Every child is a process of its own and dies by SIGKILL, at the
# n-th operation on a file of the home (Python tells of each through its audit hook) or the n-th report of progress.
KILLER = """
import os, shutil, signal, sys
from pathlib import Path
import pandas, pyarrow.dataset  # what an ingest imports late: once here, not in each child
from graph.lake import Lake, dayfiles, runs
from tests.graph.lake_rows import *

folder, stride = Path(sys.argv[1]), int(sys.argv[2])
runs.RUN_BYTES, runs.PIECE_ROWS, runs.SLICE_BYTES, dayfiles.ROW_GROUP_ROWS = 500, 3, 1_000, 4
OPERATIONS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree"}
left = None

def step():
    global left
    if left is not None:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

def watch(name, arguments):
    if name in OPERATIONS and str(folder) in str(arguments[0]):
        step()

def first(home):
    told = [event(f"a{n}", at(n % 4, n)) for n in range(12)]
    Lake(home, 4).ingest(events=events(*told), reports=reports(report("a1", at(1))))

def second(home):
    told = [event(f"b{n}", at(1 + n % 4, -n), domains=["www.example.net"]) for n in range(9)]
    told += [event("a3", at(4)), event("late", at(0)), event("b1", at(3))]
    Lake(home, 4).ingest(
        events=[batch for row in told for batch in events(row)],
        reports=reports(report("a1", at(1)), report("b1", at(1)), report("b2", at(4))),
        verdicts=verdicts(verdict("ann@example.com", at(0)), verdict("bob@example.com", at(4))),
        progress=lambda stage, rows: step(),
    )

def in_child(work, home, steps=None):
    child = os.fork()
    if child == 0:
        try:
            left_now(steps)
            work(home)
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def left_now(steps):
    global left
    left = steps
    sys.addaudithook(watch)

calm, old = folder / "calm", folder / "old"
assert in_child(first, calm) == 0
shutil.copytree(calm, old)
before = content(old)
assert in_child(second, calm) == 0
after = content(calm)
gone = set(before) - set(after)
assert gone and set(after) - set(before), "the second ingest must drop days and make some"

kills, half_way = 0, 0
while True:
    home = folder / f"killed-{kills}"
    shutil.copytree(old, home)
    status = in_child(second, home, steps=1 + kills * stride)
    if status == 0:
        break
    assert status == -signal.SIGKILL, status
    days = {name: data for name, data in content(home).items() if "/." not in "/" + name}  # no temporary, no staging
    for name, data in days.items():
        assert data in (before.get(name), after.get(name)), f"kill {kills}: {name} is neither old nor new"
    assert set(before) - gone <= set(days), f"kill {kills}: a day is gone"
    half_way += days not in (before, after)
    assert in_child(second, home) == 0
    assert content(home) == after, f"kill {kills}: the rerun differs"
    shutil.rmtree(home)
    kills += 1
print(kills, half_way)
"""


def test_a_kill_at_any_moment_leaves_old_or_new_days_and_a_rerun_gives_the_undisturbed_bytes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLER, str(tmp_path), "4"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    kills, half_way = map(int, done.stdout.split())
    assert kills > 20
    assert half_way > 5  # between the days: some of them new, some still old
