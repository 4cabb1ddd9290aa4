"""`ringleader serve`: the HTTP API and the investigators' page. The work is `api.server`."""

from argparse import ArgumentParser

from api.commands import Call, Outcome
from api.commands.refresh import add_setting

HELP = "answer over HTTP: the API and the investigators' page"


def add_arguments(parser: ArgumentParser) -> None:
    add_setting(parser, "--host", "serve.host")
    add_setting(parser, "--port", "serve.port", type=int)
    add_setting(parser, "--workers", "serve.workers", type=int)
    add_setting(parser, "--auth", "serve.auth")


def run(call: Call) -> Outcome:
    from api.server import serve

    listens = {"host": call.settings.serve.host, "port": call.settings.serve.port}
    return Outcome({**listens, "auth": call.settings.serve.auth}, "", then=lambda: serve(call.home, call.settings))
