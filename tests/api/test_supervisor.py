"""The supervisor of a server's workers: one that cannot start ends the server; how one ended is told in words."""

import subprocess
import sys
from pathlib import Path

import pytest

from api.supervisor import _ending

ROOT = Path(__file__).parents[2]
NO_APPLICATION = """
import socket, uvicorn
from api.supervisor import Supervisor

listening = socket.create_server(("127.0.0.1", 0))
listening.set_inheritable(True)
forgotten = []
supervisor = Supervisor(
    uvicorn.Config("no_such_module:app", log_level="critical"), [listening], forgotten.append
)
supervisor.run()
print(supervisor.failed, len(supervisor.processes))
"""


def test_a_worker_that_cannot_start_ends_the_server_and_is_not_started_for_ever() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_APPLICATION], cwd=ROOT, capture_output=True, text=True, timeout=90, check=True
    )
    assert done.stdout.split() == ["True", "1"]


@pytest.mark.parametrize(
    ("exitcode", "words"), [(-7, "SIGBUS"), (-9, "SIGKILL"), (3, "exit code 3"), (-250, "signal 250")]
)
def test_how_a_worker_ended_is_told_by_the_signals_name(exitcode: int, words: str) -> None:
    assert _ending(exitcode) == words
