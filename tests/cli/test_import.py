"""`hushpost import` as a process."""

import asyncio
import csv
import os
import signal
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest

UNAVAILABLE = (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")


async def test_good_rows_are_imported(import_into: Any, contacts: Any, service: Any) -> None:
    """Each row sets its preference, with source and line as evidence; the exit code is 0."""
    path = contacts("contact_id,doNotTrack\nann,TRUE\nbob,no\ncid,\ndan\n")
    done = await import_into(path)
    assert (done.code, done.out) == (
        0,
        "contacts.csv: 4 rows, 4 contacts imported: 4 new, 3 changed\n",
    )
    assert service.preferences == {
        "ann": "TRUE",
        "bob": "FALSE",
        "cid": "FALSE",
        "dan": "UNSET",
    }
    assert service.evidence["cid"] == "contacts.csv:4"
    assert [entry.source for entry in service.entries] == [3, 3, 4, 3]
    assert service.requests[0].tenant_id == "acme"
    assert service.keys == ["Bearer hp_key"]
    assert list(path.parent.iterdir()) == [path]


async def test_a_second_run_changes_nothing(import_into: Any, contacts: Any, service: Any) -> None:
    """Importing the same file again creates and changes nothing."""
    path = contacts("contact_id,doNotTrack\nann,1\nbob,\ncid\n")
    await import_into(path)
    done = await import_into(path)
    assert "0 new, 0 changed" in done.out


async def test_the_last_row_of_a_contact_counts(
    import_into: Any, contacts: Any, service: Any
) -> None:
    """The last row of a contact counts, also across batches, and a rerun changes nothing."""
    path = contacts("contact_id,doNotTrack\nann,false\nbob,1\ncid,1\nann\nann,true\nbob\n")
    first = await import_into(path, "--batch-size", "1")
    assert service.preferences == {"ann": "TRUE", "bob": "TRUE", "cid": "TRUE"}
    assert "3 changed" in first.out
    assert service.evidence["ann"] == "contacts.csv:6"
    second = await import_into(path, "--batch-size", "1")
    assert "0 changed" in second.out


async def test_a_row_without_a_preference_never_replaces_one(
    import_into: Any, contacts: Any, service: Any
) -> None:
    """A later row without a preference does not replace an earlier row with one."""
    await import_into(contacts("contact_id,doNotTrack\nann,true\nann\n"))
    assert service.preferences == {"ann": "TRUE"}


async def test_empty_as_unset(import_into: Any, contacts: Any, service: Any) -> None:
    """With `--empty-as unset`, an empty cell sets UNSET."""
    await import_into(contacts("contact_id,doNotTrack\nann,\n"), "--empty-as", "unset")
    assert service.entries[0].do_not_track == 1


async def test_ignored_columns_are_listed_once(
    import_into: Any, contacts: Any, service: Any
) -> None:
    """Ignored columns and a missing doNotTrack column are reported once, on standard error."""
    done = await import_into(contacts("name;contact_id;city\nAnn;ann;Graz\nBob;bob;Linz\n"))
    assert done.err.count("ignoring the columns name, city") == 1
    assert done.err.count("no column doNotTrack, preferences stay unchanged") == 1
    assert {entry.do_not_track for entry in service.entries} == {0}


async def test_bad_rows_are_written_to_a_file(
    import_into: Any, contacts: Any, service: Any
) -> None:
    """Bad rows are written with line, reason and cells; good rows are imported; exit code 3."""
    path = contacts('contact_id;x;doNotTrack\nann;"1\n2";maybe\nbob;;yes\n;;no\n"c"d;;no\n')
    done = await import_into(path)
    assert done.code == 3
    assert service.preferences == {"bob": "TRUE"}
    assert service.evidence["bob"] == "contacts.csv:4"
    rejected = path.with_name("contacts.rejected.csv")
    assert f"3 rows rejected, see {rejected}" in done.out
    with rejected.open(newline="", encoding="utf-8") as file:
        header, first, second, third = csv.reader(file, delimiter=";")
    assert header == ["line", "reason", "contact_id", "x", "doNotTrack"]
    assert first == [
        "2",
        "doNotTrack is 'maybe', not true, false, 1, 0, yes, no",
        "ann",
        "1\n2",
        "maybe",
    ]
    assert second == ["5", "contact_id is empty", "", "", "no"]
    assert (third[0], third[2]) == ("6", '"c"d;;no')


async def test_corrected_rejected_rows_can_be_imported(
    import_into: Any, contacts: Any, service: Any
) -> None:
    """The corrected file of rejected rows can be imported; a stale file is deleted."""
    path = contacts("contact_id,doNotTrack\nann,maybe\n")
    assert (await import_into(path)).code == 3
    rejected = path.with_name("contacts.rejected.csv")
    mended = path.with_name("mended.csv")
    mended.write_text(rejected.read_text().replace(",maybe", ",yes").replace("'maybe'", ""))
    assert (await import_into(mended)).code == 0
    assert service.preferences == {"ann": "TRUE"}
    contacts("contact_id,doNotTrack\nann,yes\n")
    assert (await import_into(path)).code == 0
    assert not rejected.exists()


async def test_the_file_of_rejected_rows_can_be_chosen(
    import_into: Any, contacts: Any, service: Any, tmp_path: Path
) -> None:
    """`--rejected` sets the file; a file of another kind is never overwritten."""
    path = contacts("contact_id\n\tann\n")
    assert (await import_into(path, "--rejected", "bad.csv")).code == 3
    assert (tmp_path / "bad.csv").read_text().startswith("line,reason,contact_id")
    mine = tmp_path / "mine.csv"
    mine.write_text("mine")
    for target in (mine, path):
        refused = await import_into(path, "--rejected", target)
        assert refused.code == 2
    assert mine.read_text() == "mine"


async def test_a_dry_run_changes_nothing(hushpost: Any, contacts: Any) -> None:
    """`--dry-run` needs neither authority nor key, writes nothing, and reports bad rows."""
    path = contacts("contact_id,doNotTrack\nann,1\nbob,maybe\ncid,\ndan\n")
    options = ("--tenant", "acme", "--authority", "127.0.0.1:1", "--dry-run")
    done = await hushpost("import", path, *options, key=None)
    assert done.code == 3
    assert "4 rows, 3 good, 1 bad; nothing was written" in done.out
    assert "doNotTrack false: 1, by an empty cell: 1" in done.out
    assert "line 3: doNotTrack is 'maybe'" in done.out
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"name,doNotTrack\nann,1\n", "has no column contact_id"),
        (
            b"contact_id,doNotTrack,DoNotTrack\nann,1,1\n",
            "has the column DoNotTrack twice",
        ),
        (b"contact_id\nann\nb\xf6b\n", "byte 0xf6 at position 16, line 3"),
    ],
)
async def test_an_unreadable_file_changes_nothing(
    import_into: Any, contacts: Any, service: Any, content: bytes, words: str
) -> None:
    """A file that can't be read to its end is rejected before any call, with exit code 2."""
    done = await import_into(contacts(content), "--batch-size", "1")
    assert done.code == 2
    assert words in done.err
    assert len(done.err.splitlines()) <= 2
    assert service.requests == []


@pytest.mark.parametrize(
    "options",
    [
        ("import", "absent.csv", "--tenant", "acme"),
        ("import", "contacts.csv"),
        ("import", "contacts.csv", "--tenant", "acme", "--delimiter", "|"),
        ("import", "contacts.csv", "--tenant", "acme", "--batch-size", "0"),
        ("nonsense",),
    ],
)
async def test_usage_errors_exit_with_2(
    hushpost: Any, contacts: Any, options: tuple[str, ...]
) -> None:
    """A wrong command line exits with code 2."""
    contacts("contact_id\nann\n")
    assert (await hushpost(*options)).code == 2


async def test_an_api_key_is_required(
    import_into: Any, contacts: Any, service: Any, tmp_path: Path
) -> None:
    """Without a key, the message names both sources; blanks in a key file are ignored."""
    path = contacts("contact_id\nann\n")
    done = await import_into(path, key=None)
    assert (done.code, service.requests) == (2, [])
    assert "set HUSHPOST_API_KEY or give --api-key-file" in done.err
    (tmp_path / "key").write_text("hp_from_file\n")
    (tmp_path / "key").chmod(0o604)
    done = await import_into(path, "--api-key-file", "key", key=None)
    assert (done.code, service.requests) == (2, [])
    assert "chmod o= key" in done.err
    (tmp_path / "key").chmod(0o640)
    assert (await import_into(path, "--api-key-file", "key", key=None)).code == 0
    assert service.keys == ["Bearer hp_from_file"]


async def test_a_batch_is_retried_during_an_outage(
    import_into: Any, contacts: Any, service: Any
) -> None:
    """A batch that fails as UNAVAILABLE is retried with the same request id."""
    service.script = [UNAVAILABLE, UNAVAILABLE]
    done = await import_into(contacts("contact_id,doNotTrack\nann,1\n"))
    assert done.code == 0
    assert len(service.requests) == 3
    assert len({request.request_id for request in service.requests}) == 1


async def test_a_failure_reports_the_imported_lines(
    import_into: Any, contacts: Any, service: Any
) -> None:
    """A failure reports the reason, the imported lines and the lines in doubt; exit code 1."""
    service.script = [None, None, (grpc.StatusCode.INTERNAL, "INTERNAL")]
    rows = "".join(f"c{number}\n" for number in range(7))
    done = await import_into(contacts(f"contact_id\n{rows}"), "--batch-size", "2")
    assert done.code == 1
    assert "INTERNAL: in words; everything up to line 5 is imported" in done.err
    assert "the rows from there to line 7 may or may not be" in done.err
    assert sorted(service.preferences) == ["c0", "c1", "c2", "c3"]


async def test_a_rejected_call_is_one_line(import_into: Any, contacts: Any, service: Any) -> None:
    """An error of the authority is printed with its reason, without a traceback."""
    service.script = [(grpc.StatusCode.PERMISSION_DENIED, "TENANT_NOT_ALLOWED")]
    done = await import_into(contacts("contact_id,doNotTrack\nann,1\n"))
    assert done.code == 1
    assert done.err == (
        "hushpost: contacts.csv: TENANT_NOT_ALLOWED: in words; nothing was imported. "
        "Importing the file again is safe.\n"
    )


async def test_an_interrupt_reports_the_progress(
    contacts: Any, service: Any, tmp_path: Path
) -> None:
    """Ctrl-C exits with 130 and prints what is imported."""
    service.script = [None, 30.0]
    path = contacts("contact_id\nann\nbob\ncid\n")
    arguments = ["import", str(path), "--tenant", "acme", "--batch-size", "1"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from hushpost_cli.main import app; app()", *arguments),
        *("--authority", service.target),
        cwd=tmp_path,
        env={**os.environ, "HUSHPOST_API_KEY": "hp_key"},
        stderr=asyncio.subprocess.PIPE,
    )
    while len(service.requests) < 2:  # noqa: ASYNC110 - the service runs in this loop
        await asyncio.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 130
    assert b"interrupted; everything up to line 2 is imported" in err
    assert b"to line 3 may or may not be" in err


async def test_a_first_batch_in_doubt_is_reported(
    import_into: Any, contacts: Any, service: Any
) -> None:
    """If the first batch gets no response, the message says that it may be imported."""
    service.script = [(grpc.StatusCode.INTERNAL, "INTERNAL")]
    done = await import_into(contacts("contact_id\nann\n"))
    assert "nothing is known to be imported, the rows up to line 2 may or may not be" in done.err
