"""The embedded graph store: a new LadybugDB file each refresh, bulk-copied, then a pointer swapped. No network.

Readers open the file that `CURRENT` names, read-only, and keep it until they are closed or write themselves. A
writer builds in a folder of its own, so a kill at any moment leaves `CURRENT` and its file as they were; the next
write sweeps the rest.
"""

import errno
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import chain, count
from pathlib import Path
from urllib.parse import quote, unquote

import ladybug
import pyarrow as pa

from graph.atomic import PRIVATE_FILE, is_name, make_folder, point_to, read_pointer, sync_file, sync_folder
from graph.errors import StoreError
from graph.home import Home, write_lock
from graph.leftovers import BUILDING
from graph.store.protocol import Progress, StoreSummary, quiet, summary
from graph.store.queries import query
from graph.store.reads import CypherReads, Row
from graph.store.rows import History, node_rows, relation_rows
from graph.store.vocabulary import BECAME, NODES, RELATION_TYPES, RELATIONS, NodeKind, RelationKind
from graph.values import GraphContents

ENDING = ".lbug"
POINTER = "CURRENT"
FILES_KEPT = 2  # the current one, and the one that a reader may be about to open
WRITER_BUFFER = 2 << 30  # bytes; LadybugDB's own default is 80 % of the machine
READER_BUFFER = 256 << 20
FREE_NEEDED = 64 << 20  # bytes; with not even room for its log, LadybugDB ends the process instead of raising
MAX_FILE = 1 << 40  # bytes of address space a database reserves; the default of 8 TiB lets one process open few

TYPES = {"string": "STRING", "int64": "INT64", "double": "DOUBLE", "timestamp[us, tz=UTC]": "TIMESTAMP_TZ"}


class LadybugStore(CypherReads):
    """A `GraphStore` in files under `home.store`; `keep` is how many databases stay there."""

    def __init__(self, home: Home, keep: int = FILES_KEPT) -> None:
        self._home = home
        self._folder = home.store
        self._pointer = home.store / POINTER
        self._keep = max(1, keep)
        self._reader: _Open | None = None
        self._lock = threading.Lock()  # one query at a time: a connection is not for two threads

    def write(self, contents: GraphContents, progress: Progress = quiet) -> StoreSummary:
        """Build a new database and point to it. Raises BusyError, StoreError; the old one is untouched then."""
        began = time.perf_counter()
        with write_lock(self._home), _explained(self._folder, "cannot be written"):
            make_folder(self._folder)
            _sweep(self._folder)
            _see_to_space(self._folder)
            self.close()  # history is what CURRENT says now, not what it said when this reader opened
            history = self._history()
            name = self._free_name(contents.refresh.id)
            _build(self._folder, name, contents, history, progress)
            point_to(self._pointer, name)
            self.close()
            _prune(self._folder, name, self._keep)
        return summary(contents.refresh.id, self.counts(), time.perf_counter() - began)

    def refresh(self) -> str | None:
        """As in `GraphStore`."""
        self.ping()
        name = self._reader.name if self._reader else None
        return unquote(name.rpartition("-")[0]) if name else None

    def check(self) -> None:
        """As in `GraphStore`. Without a pointer the next write starts from nothing, which cannot fail so."""
        with _explained(self._folder, "cannot be read"):
            named = read_pointer(self._pointer)
        if named is not None:
            self.ping()

    def outdated(self) -> bool:
        """As in `GraphStore`: `CURRENT` names another file than the one that is open."""
        reader = self._reader
        if reader is None:
            return False
        with _explained(self._folder, "cannot be read"):
            return read_pointer(self._pointer) != reader.name

    def ping(self) -> str:
        """As in `GraphStore`."""
        self._read("RETURN 1 AS one")
        return f"LadybugDB {ladybug.__version__}"

    def close(self) -> None:
        """As in `GraphStore`; the next read opens what `CURRENT` names then."""
        with self._lock:
            if self._reader:
                self._reader.close()
                self._reader = None

    def _read(self, text: str, **parameters: object) -> list[Row]:
        with self._lock, _explained(self._folder, "cannot be read"):
            self._reader = self._reader or self._open_reader()
            return self._reader.rows(text, parameters)

    def _open_reader(self) -> "_Open":
        """The database that CURRENT names; an empty graph before the first refresh."""
        name = read_pointer(self._pointer)
        if name is None and any(self._folder.glob(f"*{ENDING}")):
            raise StoreError(str(self._pointer), "it is not there, though graphs are", "Run `ringleader refresh`")
        if name is None:
            empty = _Open(":memory:", READER_BUFFER)
            empty.create_schema()
            return empty
        if not is_name(name):
            raise OSError(errno.EINVAL, f"{POINTER} does not hold the name of a graph")
        return _Open(str(self._folder / name), READER_BUFFER, read_only=True, name=name)

    def _history(self) -> History:
        if read_pointer(self._pointer) is None:
            return History()
        return History(
            refreshes=self._nodes(NODES["Refresh"]),
            verdicts=self._nodes(NODES["Verdict"]),
            campaigns=self._nodes(NODES["Campaign"]),
            became=self._relations(BECAME),
        )

    def _free_name(self, refresh: str) -> str:
        """A new name for this refresh's database: a second write of one refresh may not touch what is being read."""
        names = (f"{quote(refresh, safe='')}-{number}{ENDING}" for number in count(1))
        return next(name for name in names if not (self._folder / name).exists())


class _Open:
    """One database with its one connection; `name` is what CURRENT called it."""

    def __init__(self, path: str, buffer: int, read_only: bool = False, name: str | None = None) -> None:
        self.name = name
        self._database = ladybug.Database(
            path,
            buffer_pool_size=buffer,
            max_db_size=MAX_FILE,
            read_only=read_only,
            auto_checkpoint=False,  # `_build` checkpoints once, where a full disk is an error of its own
        )
        self._connection = ladybug.Connection(self._database)

    def rows(self, text: str, parameters: dict[str, object]) -> list[Row]:
        with closing(self._connection.execute(text, parameters)) as result:
            names = result.get_column_names()
            return [dict(zip(names, row, strict=True)) for row in result.get_all()]

    def create_schema(self) -> None:
        for node in NODES.values():
            columns = ", ".join(f"{name} {TYPES[str(type)]}" for name, type in node.properties)
            self.rows(
                query("ladybug_node", label=node.label, key=node.key, columns=f", {columns}" if columns else ""), {}
            )
        for type in RELATION_TYPES:
            kinds = [kind for kind in RELATIONS if kind.type == type]
            parts = [f"FROM {kind.source} TO {kind.target}" for kind in kinds]
            parts += [f"{name} {TYPES[str(type)]}" for name, type in kinds[0].properties]
            self.rows(query("ladybug_relation", type=type, parts=", ".join(parts)), {})

    def copy(self, kind: NodeKind | RelationKind, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        if isinstance(kind, NodeKind):
            self.rows(query("ladybug_copy_nodes", label=kind.label), {"rows": rows})
        else:
            text = query("ladybug_copy_relations", type=kind.type, source=kind.source, target=kind.target)
            self.rows(text, {"rows": rows})

    def close(self) -> None:
        self._connection.close()
        self._database.close()


def _build(folder: Path, name: str, contents: GraphContents, history: History, progress: Progress) -> None:
    """Make `folder/name` from nothing: built aside, checkpointed, closed, fsynced, renamed."""
    workplace = Path(tempfile.mkdtemp(prefix=BUILDING, dir=folder))
    try:
        with closing(_Open(str(workplace / name), WRITER_BUFFER)) as database:
            database.create_schema()
            pieces: Iterator[tuple[NodeKind | RelationKind, pa.Table]]
            pieces = chain(node_rows(contents, history), relation_rows(contents, history))
            for kind, rows in pieces:
                database.copy(kind, rows)
                progress(rows.num_rows)
            database.rows("CHECKPOINT", {})
        (workplace / name).chmod(PRIVATE_FILE)
        sync_file(workplace / name)
        (workplace / name).rename(folder / name)
        sync_folder(folder)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _sweep(folder: Path) -> None:
    for leftover in folder.glob(f"{BUILDING}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _see_to_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < FREE_NEEDED:
        raise OSError(
            errno.ENOSPC, f"only {free >> 20} MiB of disk are free, a new graph needs {FREE_NEEDED >> 20} or more"
        )


def _prune(folder: Path, current: str, keep: int) -> None:
    """Remove all but the newest databases; who has one open goes on reading it (POSIX keeps it until then)."""
    others = sorted((path for path in folder.glob(f"*{ENDING}") if path.name != current), key=_age, reverse=True)
    for old in others[keep - 1 :]:
        old.unlink(missing_ok=True)


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns


def _brief(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.rstrip(".")


@contextmanager
def _explained(folder: Path, what: str) -> Iterator[None]:
    """LadybugDB says everything with RuntimeError; say which store it was and what to do."""
    try:
        yield
    except (RuntimeError, OSError, UnicodeDecodeError) as error:  # the last: a pointer that is no text
        mend = (
            f"See to the disk and the rights there; `ringleader refresh` builds it anew once {folder / POINTER} is gone"
        )
        raise StoreError(str(folder), f"the embedded graph store {what} ({_brief(error)})", mend) from error
