"""Opening SQLite files."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

from hushpost_edge.sqlite import open_database


def test_concurrent_opens_create_one_file(tmp_path: Path) -> None:
    """Threads that open a new file at once use the same file, and leave no draft."""
    openers = 16
    barrier = Barrier(openers)

    def add(number: int) -> None:
        barrier.wait()
        connection = open_database(tmp_path / "x.sqlite", "create table t (n integer)")
        connection.execute("insert into t values (?)", (number,))
        connection.close()

    with ThreadPoolExecutor(openers) as pool:
        list(pool.map(add, range(openers)))
    with closing(open_database(tmp_path / "x.sqlite", "")) as connection:
        found = connection.execute("select n from t order by n").fetchall()
    assert [number for (number,) in found] == list(range(openers))
    assert {file.suffix.partition("-")[0] for file in tmp_path.iterdir()} == {".sqlite"}
