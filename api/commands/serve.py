"""`ringleader serve`: the HTTP API and the investigators' page. The work is `api.server`."""

import sys
from argparse import ArgumentParser
from contextlib import suppress
from functools import partial

from api.commands import Call, Outcome
from api.commands.refresh import add_setting
from api.settings import find_config

HELP = "answer over HTTP: the API and the investigators' page"


def add_arguments(parser: ArgumentParser) -> None:
    add_setting(parser, "--host", "serve.host")
    add_setting(parser, "--port", "serve.port", type=int)
    add_setting(parser, "--workers", "serve.workers", type=int)
    add_setting(parser, "--auth", "serve.auth")


def run(call: Call) -> Outcome:
    serve = call.settings.serve
    summary = {"host": serve.host, "port": serve.port, "workers": serve.workers, "auth": serve.auth}
    return Outcome(summary, "", then=partial(_serve, call))


def _serve(call: Call) -> None:
    """Ctrl-C is how a server is asked to end, so it is no failure."""
    from api.server import serve

    # With --json standard output holds the summary alone.
    out = sys.stderr if call.flags.json else sys.stdout
    with suppress(KeyboardInterrupt):
        config = find_config(call.home.path, call.flags.config)
        serve(call.home, call.settings, lambda line: print(line, file=out, flush=True), config)
