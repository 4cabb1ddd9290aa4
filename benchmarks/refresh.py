"""Claim: a refresh of a simulated world of a million events takes under 60 s and 4 GB on two cores.

Simulates a world, ingests it, then refreshes twice, each in a process of its own: the first refresh also trains. The
peer is the second one, so that the cost of training stands beside a refresh without it. Prints stages and ratios.

    python benchmarks/refresh.py --events 1000000
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

KIB_PER_GIB = 1 << 20


def run(home: Path, *words: str) -> dict[str, object]:
    """One command of the product in a process of its own; its JSON summary."""
    call = [sys.executable, "-m", "api.cli", "--home", str(home), *words, "--json"]
    done = subprocess.run(call, check=True, stdout=subprocess.PIPE, text=True)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def total(stages: list[dict[str, float]]) -> float:
    return round(sum(stage["seconds"] for stage in stages), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, world = Path(folder) / "home", Path(folder) / "world"
        run(home, "simulate", "--out", str(world), "--events", str(options.events), "--seed", str(options.seed))
        tables = [
            word for kind in ("events", "reports", "verdicts") for word in (f"--{kind}", f"{world}/{kind}.parquet")
        ]
        run(home, "ingest", *tables)
        first, again = run(home, "refresh"), run(home, "refresh")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / KIB_PER_GIB
    seconds = {"with training": total(first["stages"]), "without": total(again["stages"])}  # type: ignore[arg-type]
    facts = {"events": first["events"], "stages": first["stages"], "seconds": seconds, "peak_gib": round(peak, 2)}
    if options.json:
        print(json.dumps(facts))
        return
    for stage in first["stages"]:  # type: ignore[attr-defined]
        print(f"{stage['name']:<14}{stage['rows'] or '':>12}{stage['seconds']:>9.1f} s{stage['peak_mb']:>9.0f} MB")
    ratio = seconds["with training"] / seconds["without"]
    print(
        f"{first['events']:,} events: {seconds['with training']} s with training, {seconds['without']} s without "
        f"(ratio {ratio:.2f}); peak {peak:.2f} GiB, ingest included"
    )


if __name__ == "__main__":
    main()
