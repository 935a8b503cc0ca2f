"""Opening SQLite files."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

from hushpost_edge.storage import connect


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    """Whoever comes first makes the file, all see the same one, and no draft is left."""
    openers = 16
    barrier = Barrier(openers)

    def add(number: int) -> None:
        barrier.wait()
        connection = connect(tmp_path / "x.sqlite", "create table t (n integer)")
        connection.execute("insert into t values (?)", (number,))
        connection.close()

    with ThreadPoolExecutor(openers) as pool:
        list(pool.map(add, range(openers)))
    with closing(connect(tmp_path / "x.sqlite", "")) as connection:
        found = connection.execute("select n from t order by n").fetchall()
    assert [number for (number,) in found] == list(range(openers))
    assert {file.suffix.partition("-")[0] for file in tmp_path.iterdir()} == {".sqlite"}
