"""The dashboard that ships asks for metrics that the servers have."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.metrics import Metrics

DASHBOARD = Path(__file__).parents[2] / "configs" / "grafana" / "servers.json"


@pytest.mark.parametrize(
    ("drift", "scores", "alarm"),
    [({"alarm": True, "scores": 0.4, "inputs_beyond": 0.5}, "0.4", "1.0"), ({"scores": None}, "NaN", "0.0")],
)
def test_drift_of_the_live_snapshot_is_told(drift: dict[str, object], scores: str, alarm: str) -> None:
    metrics = Metrics()
    metrics.snapshot_loaded(datetime.now(UTC), datetime.now(UTC), drift)
    told = dict(line.split(" ") for line in metrics.text().decode().splitlines() if line.startswith("ringleader_drift"))
    assert (told["ringleader_drift_scores"], told["ringleader_drift_alarm"]) == (scores, alarm)


def test_every_metric_of_the_dashboard_is_told_by_the_servers_and_the_other_way_round() -> None:
    metrics = Metrics()
    metrics.answered("/v1/lookup", "POST", 200, 0.001)
    metrics.lookups.labels("true").inc()
    metrics.verdicts.labels("sender", "benign").inc()
    metrics.snapshot_loaded(datetime.now(UTC), datetime.now(UTC), {})
    metrics.snapshot_damaged(False)
    told = set(re.findall(r"^(ringleader_\w+)", metrics.text().decode(), re.MULTILINE))
    asked = set(re.findall(r"ringleader_\w+", json.dumps(json.loads(DASHBOARD.read_text())["panels"])))
    assert asked <= told
    assert {name for name in told if not name.endswith(("_created", "_count", "_sum"))} <= asked
