"""Claim: the simulator writes a million events in under 15 s and ten million in about two minutes, in flat memory.

Each size runs in a process of its own, so that its peak memory is its own. Prints rows/s and peak memory.

    python benchmarks/simulate.py --events 1000000 10000000 --preset ordinary
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from graph.simulate import PRESETS, load_preset, simulate

KIB_PER_MIB = 1024


def measure(events: int, preset: str) -> dict[str, float]:
    """Writes one world into a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        summary = simulate(load_preset(preset, events=events), folder)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        size = sum(file.stat().st_size for file in Path(folder).rglob("*.parquet"))
    return {
        "events": summary.events,
        "senders": summary.senders,
        "campaigns": summary.campaigns,
        "seconds": round(wall, 2),
        "cpu_seconds": round(cpu, 2),
        "events_per_second": round(summary.events / wall),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // KIB_PER_MIB,
        "mib_written": size >> 20,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--preset", choices=PRESETS, default="ordinary")
    parser.add_argument("--alone", action="store_true", help="measure in this process")
    flags = parser.parse_args()
    for events in flags.events:
        if flags.alone:
            print(json.dumps(measure(events, flags.preset)))
            continue
        command = [sys.executable, __file__, "--alone", "--events", str(events), "--preset", flags.preset]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
