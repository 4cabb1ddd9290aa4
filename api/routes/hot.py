"""The two look-up routes, as thin as they get: LMDB bytes joined into an answer. Pure ASGI, before FastAPI's routing.

`/v1/nodes/KIND/KEY` takes the key percent-encoded; what follows the kind is the key to its end, slashes included. Only
a literal `/neighbours` at the end is another route: a key that ends so is asked with that slash encoded (%2F).
"""

from urllib.parse import unquote_to_bytes

import msgspec

from api.edge import App, Receive, Scope, Send, read_body, send_json
from api.problems import ProblemError
from api.serving import Serving
from graph.keys import meant_instead
from graph.snapshot import NODE_KINDS, Snapshot

MOST_NODES = 1_000
NODES = "/v1/nodes/"
LOOKUP = "/v1/lookup"
NODE_ROUTE = "/v1/nodes/{kind}/{key}"
_NEIGHBOURS = b"/neighbours"


class Node(msgspec.Struct):
    kind: str
    key: str


class Lookup(msgspec.Struct):
    nodes: list[Node]


_decode = msgspec.json.Decoder(Lookup).decode
_encode = msgspec.json.Encoder().encode


class HotRoutes:
    """Answers look-ups; everything else goes on to the application inside."""

    def __init__(self, app: App, serving: Serving) -> None:
        self._app = app
        self._serving = serving
        self._found = serving.metrics.lookups.labels("true")
        self._unknown = serving.metrics.lookups.labels("false")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            if path.startswith(NODES) and not (raw := raw_path(scope)).endswith(_NEIGHBOURS):
                await self._node(scope, raw, send)
                return
            if path == LOOKUP:
                await self._lookup(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _node(self, scope: Scope, raw: bytes, send: Send) -> None:
        scope["state"]["route"] = NODE_ROUTE
        _only(scope, "GET")
        self._serving.authorise(scope, "lookup")
        kind, key = parse_node(raw)
        snapshot = self._serving.live.require()
        fields = snapshot.lookup_fields(kind, key)
        if fields is None:
            self._unknown.inc()
            raise _unknown_node(kind, key, snapshot)
        self._found.inc()
        await send_json(send, b"{" + _answer(kind, key, fields) + b"," + snapshot.stamp_fields + b"}")

    async def _lookup(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["route"] = LOOKUP
        _only(scope, "POST")
        self._serving.authorise(scope, "lookup")
        nodes = [(node.kind, node.key) for node in _nodes(await read_body(receive))]
        snapshot = self._serving.live.require()
        answers = snapshot.lookup_many(nodes)
        unknown = answers.count(None)
        self._unknown.inc(unknown)
        self._found.inc(len(answers) - unknown)
        results = b",".join(
            _not_found(*node) if fields is None else b"{" + _answer(*node, fields) + b"}"
            for node, fields in zip(nodes, answers, strict=True)
        )
        await send_json(send, b"{" + snapshot.stamp_fields + b',"results":[' + results + b"]}")


def raw_path(scope: Scope) -> bytes:
    """The path as it was sent, percent-encoded, without the query."""
    raw: bytes = scope["raw_path"]
    return raw.partition(b"?")[0]


def parse_node(raw: bytes) -> tuple[str, str]:
    """Kind and key of `/v1/nodes/KIND/KEY` as sent. Raises ProblemError 400 or 404."""
    kind, _, key = raw[len(NODES) :].partition(b"/")
    try:
        node = unquote_to_bytes(kind).decode(), unquote_to_bytes(key).decode()
    except UnicodeDecodeError as error:
        raise ProblemError(400, "KEY-INVALID", "The key cannot be read", "It is not UTF-8.") from error
    if node[0] not in NODE_KINDS or not node[1]:
        raise ProblemError(404, "KIND-UNKNOWN", "No such kind of node", f"Ask for one of {', '.join(NODE_KINDS)}.")
    return node


def _nodes(body: bytes) -> list[Node]:
    try:
        nodes = _decode(body).nodes
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProblemError(422, "REQUEST-INVALID", "The request breaks the contract", f"{error}.") from error
    if len(nodes) > MOST_NODES:
        raise ProblemError(413, "BODY-TOO-LARGE", "Too many nodes", f"Ask for at most {MOST_NODES} at a time.")
    for node in nodes:
        if node.kind not in NODE_KINDS:
            raise ProblemError(422, "KIND-UNKNOWN", "No such kind of node", f"Ask for one of {', '.join(NODE_KINDS)}.")
    return nodes


def _only(scope: Scope, method: str) -> None:
    if scope["method"] != method:
        raise ProblemError(405, "METHOD-NOT-ALLOWED", "Wrong method", f"Use {method}.", {"Allow": method})


def _answer(kind: str, key: str, fields: bytes) -> bytes:
    """The fields of a node, with the key as it was asked where that is another spelling of the node's own."""
    if fields.startswith(_own_name(kind, key)):
        return fields
    return fields + b',"asked":' + _encode(key)


def _own_name(kind: str, key: str) -> bytes:
    return _encode({"kind": kind, "key": key})[1:-1]


def _not_found(kind: str, key: str) -> bytes:
    return _encode({"kind": kind, "key": key, "found": False})


def _unknown_node(kind: str, key: str, snapshot: Snapshot) -> ProblemError:
    return ProblemError(
        404,
        "NODE-UNKNOWN",
        "Not in the window",
        f"No {kind} {key!r} wrote or was linked to in the window of this snapshot.{_near(kind, key)}",
        found=False,
        snapshot=snapshot.id,
        model=snapshot.manifest.model,
        as_of=snapshot.manifest.as_of,
    )


def _near(kind: str, key: str) -> str:
    wider = meant_instead(kind, key)
    return f" Sites are known by their registrable domain: ask for {wider}." if wider else ""
