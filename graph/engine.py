"""The engines that run the graph's Ibis expressions: DuckDB, and Spark behind the `spark` extra. Knows no table.

One object hides where the two differ: how Arrow rows come in, how a result is kept, and how rows come back as Arrow.
"""

import importlib.util
import os
import shutil
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from graph.errors import RingleaderError
from graph.scratch import Scratch

ENGINES = ("duckdb", "spark")
# Leaves room for the Arrow tables beside the engine on the 4 GB that a refresh of a million events may take.
DEFAULT_MEMORY = "2GB"


@ibis.udf.scalar.builtin(name="array_distinct", signature=(("array<int32>",), "array<int32>"))  # type: ignore[untyped-decorator]
def distinct_items(items: Any) -> Any:
    """The distinct items of a list: both engines have it by this name, Ibis' own wraps it in slow null handling."""


@ibis.udf.agg.builtin(name="bit_or", signature=(("int64",), "int64"))  # type: ignore[untyped-decorator]
def any_bits(bits: Any) -> Any:
    """Bitwise or of a column: both engines have it by this name, Ibis compiles its own for DuckDB only."""


@dataclass(frozen=True)
class Engine:
    """A place where Ibis expressions run. Close it, or use it in a with-statement, to free its scratch space."""

    name: str
    backend: Any
    scratch: Scratch

    def put(self, batches: Iterable[pa.Table], schema: pa.Schema) -> ir.Table:
        """Keep the rows of these tables, all of this schema, until `close`: on disk where memory is short."""
        name = ibis.util.gen_name("put")
        with self._told("the window graph"):
            if self.name == "spark":
                return self._put_spark(name, batches, schema)
            return self._put_duckdb(name, batches, schema)

    def keep(self, table: ir.Table) -> ir.Table:
        """Run the expression once and keep its rows in the engine until `close`."""
        name = ibis.util.gen_name("kept")
        with self._told("the window graph"):
            if self.name == "spark":
                self._spark_rows(table).cache().createOrReplaceTempView(name)
                return self.backend.table(name)
            return self._create("TABLE", name, table)

    def named(self, table: ir.Table) -> ir.Table:
        """The expression as a view: what builds on it stays short, and Ibis does not compile it again each time."""
        name = ibis.util.gen_name("view")
        with self._told("the window graph"):
            if self.name == "spark":
                self._spark_rows(table).createOrReplaceTempView(name)
                return self.backend.table(name)
            return self._create("VIEW", name, table)

    def fetch(self, table: ir.Table) -> pa.Table:
        """The rows as Arrow, in the order that the expression asks for."""
        with self._told("the window graph"):
            if self.name == "spark":
                return self._spark_rows(table).toArrow()
            return self.backend.con.sql(self.backend.compile(table)).to_arrow_table()

    def fetch_each(self, tables: Iterable[ir.Table]) -> Iterator[pa.Table]:
        """`fetch` of one after the other: the engine is at the next while the caller works on the last."""
        with ThreadPoolExecutor(max_workers=1) as worker:
            ahead: Future[pa.Table] | None = None
            for table in tables:
                upcoming = worker.submit(self.fetch, table)
                if ahead:
                    yield ahead.result()
                ahead = upcoming
            if ahead:
                yield ahead.result()

    def close(self) -> None:
        """Free kept rows, the connection and the scratch folder."""
        self.backend.disconnect()
        self.scratch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _create(self, kind: str, name: str, table: ir.Table) -> ir.Table:
        """A temporary table or view; its columns are known, and Ibis would ask for them at some cost."""
        self.backend.con.execute(f'CREATE TEMP {kind} "{name}" AS {self.backend.compile(table)}')
        return ibis.table(table.schema(), name=name)

    def _put_duckdb(self, name: str, batches: Iterable[pa.Table], schema: pa.Schema) -> ir.Table:
        con, rows = self.backend.con, f"{name}_rows"
        con.register(rows, schema.empty_table())
        con.execute(f'CREATE TEMP TABLE "{name}" AS FROM "{rows}"')
        for batch in batches:
            con.register(rows, batch)
            con.execute(f'INSERT INTO "{name}" FROM "{rows}"')
        con.unregister(rows)
        return ibis.table(ibis.Schema.from_pyarrow(schema), name=name)

    def _put_spark(self, name: str, batches: Iterable[pa.Table], schema: pa.Schema) -> ir.Table:
        path = self.scratch.path / f"{name}.parquet"
        with pq.ParquetWriter(path, schema) as writer:
            for batch in batches:
                writer.write_table(batch)
        self.backend._session.read.parquet(str(path)).createOrReplaceTempView(name)
        return self.backend.table(name)

    def _spark_rows(self, table: ir.Table) -> Any:
        """The expression as a Spark DataFrame: Ibis' own way out would take every row through pandas."""
        return self.backend._session.sql(self.backend.compile(table))

    @contextmanager
    def _told(self, thing: str) -> Iterator[None]:
        try:
            yield
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            mend = "Give the engine more memory, free disk space for its scratch files, or take a shorter window"
            raise RingleaderError(
                thing, f"the engine ran out of memory or scratch space ({_first_line(error)})", mend
            ) from error


def _first_line(error: Exception) -> str:
    """What went wrong, without the quoted query below it."""
    return str(error).partition("\n")[0]


def open_engine(name: str = "duckdb", memory: str | None = None, threads: int | None = None) -> Engine:
    """Start the engine of this name (`duckdb` or `spark`).

    `memory` is a size such as "4GB" beyond which DuckDB spills to scratch files (default 2GB; for Spark the heap of
    its JVM), `threads` the number of cores used (default all). Raises RingleaderError for an unknown name, and for
    Spark where pyspark or Java is missing.
    """
    if name not in ENGINES:
        raise RingleaderError(f"engine {name!r}", "there is no such engine", f"Choose one of {', '.join(ENGINES)}")
    scratch = Scratch()
    try:
        opened = _open_spark if name == "spark" else _open_duckdb
        return opened(scratch, memory or DEFAULT_MEMORY, threads or os.cpu_count() or 1)
    except BaseException:
        scratch.close()
        raise


def _open_duckdb(scratch: Scratch, memory: str, threads: int) -> Engine:
    try:
        backend = ibis.duckdb.connect(
            memory_limit=memory,
            threads=threads,
            temp_directory=str(scratch.path),
            preserve_insertion_order=False,  # nothing here relies on it, and it costs memory
            autoinstall_known_extensions=False,  # never a download
        )
    except duckdb.Error as error:
        mend = 'Give memory as a size such as "4GB" and threads as a whole number above nought'
        raise RingleaderError("engine 'duckdb'", f"refused its settings ({error})", mend) from error
    return Engine("duckdb", backend, scratch)


def _open_spark(scratch: Scratch, memory: str, threads: int) -> Engine:
    _check_spark()
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(f"local[{threads}]").appName("ringleader")
    for key, value in _spark_settings(scratch.path, memory, threads).items():
        builder = builder.config(key, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:  # py4j and pyspark raise several kinds when the JVM fails to start
        mend = "See the lines that Java printed above; `java -version` must answer 17 or later"
        raise RingleaderError("engine 'spark'", f"did not start ({error})", mend) from error
    session.sparkContext.setLogLevel("ERROR")
    with warnings.catch_warnings():
        # Loading the backend makes pyspark warn of pandas 3; no row of ours goes through pandas.
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
        backend = ibis.pyspark.connect(session)
    return Engine("spark", backend, scratch)


def _spark_settings(scratch: Path, memory: str, threads: int) -> dict[str, str]:
    return {
        "spark.driver.memory": memory.upper().removesuffix("B"),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(threads),  # the default of 200 is meant for a cluster
    }


def _check_spark() -> None:
    if importlib.util.find_spec("pyspark") is None:
        raise RingleaderError(
            "engine 'spark'", "pyspark is not installed", "Install it: pip install 'ringleader[spark]'"
        )
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if found is None:
        raise RingleaderError("engine 'spark'", "Java was not found", "Install Java 17 and set JAVA_HOME or PATH")
