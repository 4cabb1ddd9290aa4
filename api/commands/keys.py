"""`ringleader keys create|list|revoke`: API keys with scopes. Knows not how they are kept, hashed or checked."""

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from api.commands import Call, Outcome

if TYPE_CHECKING:
    from api.auth import KeyStore

HELP = "make, list and revoke API keys with scopes; a key is shown once, when it is made"
SCOPES = {
    "lookup": "scores of nodes",
    "investigate": "campaigns and all about them",
    "decide": "give verdicts",
    "operate": "refreshes and models",
}


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="create|list|revoke", dest="action", required=True)
    create = actions.add_parser("create", help="make a key and print it, this once")
    create.add_argument("--name", required=True, metavar="N", help="who or what will use it")
    scopes = "; ".join(f"{scope}: {meaning}" for scope, meaning in SCOPES.items())
    create.add_argument(
        "--scope", required=True, action="append", choices=SCOPES, dest="scopes", help=f"{scopes}; repeat for more"
    )
    actions.add_parser("list", help="names, scopes and times; never the keys themselves")
    revoke = actions.add_parser("revoke", help="refuse a key from now on")
    revoke.add_argument("name", metavar="NAME")


def run(call: Call) -> Outcome:
    from api.auth import KeyStore

    store = KeyStore(call.home.ensure())
    actions = {"create": _create, "list": _list, "revoke": _revoke}
    return actions[call.flags.action](call, store)


def _create(call: Call, store: "KeyStore") -> Outcome:
    key = store.create(call.flags.name, call.flags.scopes)
    summary = {"name": key.name, "key": key.key, "scopes": list(key.scopes)}
    return Outcome(summary, f"{key.key}\nKeep it now: it is shown this once. Scopes: {', '.join(key.scopes)}")


def _list(call: Call, store: "KeyStore") -> Outcome:
    keys = store.list()
    summary = [{"name": key.name, "scopes": list(key.scopes), "created": key.created} for key in keys]
    lines = [f"{key.name}\t{','.join(key.scopes)}\t{key.created.isoformat(timespec='seconds')}" for key in keys]
    return Outcome({"keys": summary}, "\n".join(lines) or "No keys yet: ringleader keys create --name N --scope lookup")


def _revoke(call: Call, store: "KeyStore") -> Outcome:
    name = call.flags.name
    store.revoke(name)
    return Outcome({"revoked": name}, f"{name} is refused from now on")
