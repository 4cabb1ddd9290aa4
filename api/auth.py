"""Who may do what: API keys with scopes, and browser sessions made from them. Knows no route.

Keys are 256 random bits, so a fast hash is enough at rest: nobody guesses them, whatever the hash costs, and a slow
one (bcrypt, argon2) would only make every request slow. A key is found by its SHA-256; no secret is compared in steps.
"""

import hashlib
import re
import secrets
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from graph.errors import NotFoundError, RingleaderError
from graph.home import Home
from graph.sqlite import SharedFile, unusable

SCOPES = ("lookup", "investigate", "decide", "operate")
FILE = "keys.sqlite"
SESSION_SECONDS = 12 * 3600  # a working day
_PREFIX = "rl_"  # lets secret scanners recognise a key that leaked
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_SCHEMA = """
BEGIN;
CREATE TABLE IF NOT EXISTS keys (
    name TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, scopes TEXT NOT NULL, created TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS sessions (
    digest BLOB PRIMARY KEY, name TEXT NOT NULL REFERENCES keys (name) ON DELETE CASCADE, expires REAL NOT NULL
);
COMMIT;
"""


@dataclass(frozen=True)
class Caller:
    """Who is asking: the name of a key, and what it may do."""

    name: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class NewKey:
    """A key at the only moment it can be read."""

    name: str
    key: str
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class KeyFacts:
    """What is kept of a key beside its hash."""

    name: str
    scopes: tuple[str, ...]
    created: datetime


class KeyStore:
    """Keys and sessions in one SQLite file. A key that was revoked is refused at the next request, in every process."""

    def __init__(self, home: Home) -> None:
        self.file = SharedFile(home.state / FILE, _SCHEMA)
        self._guard = threading.Lock()
        self._watch: sqlite3.Connection | None = None
        self._version = -1
        self._callers: dict[bytes, Caller] = {}

    def create(self, name: str, scopes: Sequence[str]) -> NewKey:
        """Make a key. Raises RingleaderError for a bad name, a name in use or an unknown scope."""
        _check(name, scopes)
        ordered = tuple(scope for scope in SCOPES if scope in scopes)
        key = _PREFIX + secrets.token_urlsafe(32)
        with self.file.transaction() as database:
            if database.execute("SELECT 1 FROM keys WHERE name = ?", (name,)).fetchone():
                raise RingleaderError(
                    f"key {name}", "there is one of this name", "Revoke it first, or choose another name"
                )
            made = datetime.now(UTC).isoformat()
            database.execute("INSERT INTO keys VALUES (?, ?, ?, ?)", (name, _digest(key), " ".join(ordered), made))
        return NewKey(name, key, ordered)

    def list(self) -> list[KeyFacts]:
        """All keys that are good, by name."""
        with self.file.connection() as database:
            rows = database.execute("SELECT name, scopes, created FROM keys ORDER BY name").fetchall()
        return [
            KeyFacts(row["name"], tuple(row["scopes"].split()), datetime.fromisoformat(row["created"])) for row in rows
        ]

    def revoke(self, name: str) -> None:
        """Refuse a key and its sessions from now on. Raises NotFoundError."""
        with self.file.transaction() as database:
            database.execute("DELETE FROM sessions WHERE name = ?", (name,))
            if database.execute("DELETE FROM keys WHERE name = ?", (name,)).rowcount == 0:
                raise NotFoundError(f"key {name}", "there is none of this name", "See `ringleader keys list`")

    def identify(self, key: str) -> Caller | None:
        """Whose key this is. Costs microseconds: the file is read again only after it changed."""
        self._reload_if_changed()
        return self._callers.get(_digest(key))

    def open_session(self, key: str) -> str | None:
        """A session token for the holder of a key, or None where the key is not good."""
        caller = self.identify(key)
        if caller is None:
            return None
        token = secrets.token_urlsafe(32)
        now = time.time()
        with self.file.transaction() as database:
            database.execute("DELETE FROM sessions WHERE expires < ?", (now,))
            database.execute(
                "INSERT INTO sessions VALUES (?, ?, ?)", (_digest(token), caller.name, now + SESSION_SECONDS)
            )
        return token

    def session(self, token: str) -> Caller | None:
        """Who opened a session, or None where it has ended."""
        with self.file.connection() as database:
            row = database.execute(
                "SELECT keys.name, keys.scopes FROM sessions JOIN keys USING (name)"
                " WHERE sessions.digest = ? AND sessions.expires > ?",
                (_digest(token), time.time()),
            ).fetchone()
        return None if row is None else Caller(row["name"], frozenset(row["scopes"].split()))

    def close_session(self, token: str) -> None:
        """End a session; harmless where there is none."""
        with self.file.transaction() as database:
            database.execute("DELETE FROM sessions WHERE digest = ?", (_digest(token),))

    def close(self) -> None:
        """Let go of the file."""
        with self._guard:
            if self._watch is not None:
                self._watch.close()
                self._watch = None

    def _reload_if_changed(self) -> None:
        try:
            with self._guard:
                self.file.see_to_identity()
                if self._watch is None:
                    self._watch = self.file.connect()
                    self._version = -1
                # data_version changes whenever another connection has committed.
                version = self._watch.execute("PRAGMA data_version").fetchone()[0]
                if version != self._version:
                    rows = self._watch.execute("SELECT name, digest, scopes FROM keys").fetchall()
                    self._callers = {
                        row["digest"]: Caller(row["name"], frozenset(row["scopes"].split())) for row in rows
                    }
                    self._version = version
        except (sqlite3.Error, OSError) as error:
            raise unusable(self.file.path, error) from error


def _check(name: str, scopes: Sequence[str]) -> None:
    if not _NAME.fullmatch(name):
        raise RingleaderError(
            f"key name {name!r}", "is not a name", "Use up to 64 letters, digits, dots, dashes, at signs or underscores"
        )
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise RingleaderError(
            f"scopes of {name}",
            f"unknown: {', '.join(unknown)}" if unknown else "none",
            f"Use some of {', '.join(SCOPES)}",
        )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
