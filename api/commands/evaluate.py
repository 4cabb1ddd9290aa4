from argparse import ArgumentParser

from api.commands import Call, Outcome

HELP = "x"


def add_arguments(parser: ArgumentParser) -> None: ...
def run(call: Call) -> Outcome: ...
