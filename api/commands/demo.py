"""`ringleader demo`: the whole job on the sample mail, served and asked over HTTP. The work is `api.demo`."""

import json
from argparse import ArgumentParser
from typing import TYPE_CHECKING

from api.commands import Call, Outcome

if TYPE_CHECKING:
    from api.demo import Answer, DemoServer

HELP = "the whole job on the mail that ships in data/, then two questions answered over HTTP"
LINES_SHOWN = 60  # of each answer; the URL gives it whole


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--no-serve", action="store_true", help="end after the answers, on a terminal too")


def run(call: Call) -> Outcome:
    from api.demo import DemoServer, demo_settings, make_key, questions, run_demo

    run_demo(call.home, demo_settings(call.settings), call.stages)
    server = DemoServer(call.home, make_key(call.home))
    stays = call.on_terminal and not call.flags.no_serve
    try:
        with call.stages.stage("serve and ask"):
            server.wait_until_ready()
            answers = questions(server)
    except BaseException:
        server.stop()
        raise
    if not stays:
        server.stop()
    summary = {
        "page": server.url,
        "answers": [{"path": answer.path, "body": answer.body} for answer in answers],
        "stages": call.stages.rows(),
    }
    shown = [*(_shown(server.url, answer) for answer in answers), _page(server, stays)]
    return Outcome(summary, "\n\n".join(shown), then=server.wait if stays else None)


def _shown(url: str, answer: "Answer") -> str:
    lines = json.dumps(answer.body, indent=2, ensure_ascii=False).splitlines()
    more = [f"  … {len(lines) - LINES_SHOWN} more lines"] if len(lines) > LINES_SHOWN else []
    return "\n".join([f"GET {url}{answer.path}", *lines[:LINES_SHOWN], *more])


def _page(server: "DemoServer", stays: bool) -> str:
    if stays:
        return f"The page: {server.url}/\nSign in with {server.key}\nCtrl-C ends it."
    return f"The page was at {server.url}/ and is no longer served: run the demo on a terminal, or `ringleader serve`."
