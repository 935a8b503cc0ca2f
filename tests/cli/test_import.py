"""`hushpost import` as a process."""

import asyncio
import csv
import os
import signal
import sys
from itertools import permutations
from pathlib import Path
from typing import Any

import grpc
import pytest

UNAVAILABLE = (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")


async def test_good_rows_are_imported(import_into: Any, contacts: Any, service: Any) -> None:
    """Each row sets its preference, with source and line as evidence; the exit code is 0."""
    path = contacts("contact_id,doNotTrack\nann,TRUE\nbob,no\ncid,\ndan\n")
    done = await import_into(path)
    assert done.code == 0
    assert done.out.splitlines() == [
        "contacts.csv: 4 rows, 4 contacts imported: 4 new, 3 changed",
        "2 preferences loosened, 1 tightened",
        "1 rows have an empty doNotTrack cell",
    ]
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


async def test_one_row_of_a_contact_counts(import_into: Any, contacts: Any, service: Any) -> None:
    """One row of a contact counts, also across batches, and a rerun changes nothing."""
    path = contacts("contact_id,doNotTrack\nann,false\nbob,1\ncid,1\nann\nann,true\nbob\n")
    first = await import_into(path, "--batch-size", "1")
    assert service.preferences == {"ann": "TRUE", "bob": "TRUE", "cid": "TRUE"}
    assert "3 changed" in first.out
    assert service.evidence["ann"] == "contacts.csv:6"
    second = await import_into(path, "--batch-size", "1")
    assert "0 changed" in second.out


@pytest.mark.parametrize("batch_size", ["1", "100"])
async def test_the_strictest_value_of_a_contact_counts(
    import_into: Any, contacts: Any, service: Any, batch_size: str
) -> None:
    """In any order, true counts before false, false before an empty cell, that before none."""
    rows = ["true", "false", "", None]
    orders = list(permutations(rows, 2)) + list(permutations(rows))
    lines = [
        f"c{number}" if cell is None else f"c{number},{cell}"
        for number, order in enumerate(orders)
        for cell in order
    ]
    path = contacts("contact_id,doNotTrack\n" + "\n".join(lines) + "\n")
    await import_into(path, "--batch-size", batch_size)
    best = [min(order, key=rows.index) for order in orders]
    sent = {entry.contact_id: (entry.do_not_track, entry.source) for entry in service.entries}
    expected = {"true": (3, 3), "false": (2, 3), "": (2, 4)}
    assert sent == {
        f"c{number}": expected[value] for number, value in enumerate(best) if value is not None
    }
    assert len(service.entries) == len(orders)


async def test_what_changed_since_is_not_undone(
    import_into: Any, contacts: Any, service: Any
) -> None:
    """Importing a file again repeats the same requests; other options make other requests."""
    path = contacts("contact_id,doNotTrack\nann,false\n")
    await import_into(path)
    service.preferences["ann"] = "TRUE"
    await import_into(path)
    assert service.preferences == {"ann": "TRUE"}
    await import_into(path, "--overrule-recipients")
    assert service.preferences == {"ann": "FALSE"}
    assert len({request.request_id for request in service.requests}) == 2


async def test_protected_rows_are_listed(
    import_into: Any, contacts: Any, service: Any, tmp_path: Path
) -> None:
    """Rows that would loosen a recipient's decision are written to a file; the exit code is 0.

    That file can be imported with `--overrule-recipients`.
    """
    service.preferences.update(ann="TRUE", bob="TRUE")
    service.decisions.add("ann")
    path = contacts('contact_id;note;doNotTrack\nbob;;no\nann;"1\n2";no\ncid;;yes\n')
    done = await import_into(path, "--batch-size", "2")
    assert done.code == 0
    assert service.preferences == {"ann": "TRUE", "bob": "FALSE", "cid": "TRUE"}
    protected = tmp_path / "contacts.protected.csv"
    assert "2 contacts imported: 1 new, 2 changed" in done.out
    assert (
        f"1 rows skipped, because they would loosen what recipients decided in person, see {protected}"
        in done.out
    )
    with protected.open(newline="", encoding="utf-8") as file:
        header, row = csv.reader(file, delimiter=";")
    assert header == ["line", "reason", "contact_id", "note", "doNotTrack"]
    assert row == ["3", "the recipient decided otherwise in person", "ann", "1\n2", "no"]
    overruled = await import_into(protected, "--overrule-recipients")
    assert (overruled.code, service.preferences["ann"]) == (0, "FALSE")


async def test_the_file_of_protected_rows_can_be_chosen(
    import_into: Any, contacts: Any, service: Any, tmp_path: Path
) -> None:
    """`--protected` sets the file; it can't be the input or the file of rejected rows."""
    service.preferences.update(ann="TRUE")
    service.decisions.add("ann")
    path = contacts("contact_id,doNotTrack\nann,no\n")
    for target in (path, tmp_path / "contacts.rejected.csv"):
        refused = await import_into(path, "--protected", target)
        assert refused.code in {1, 2}
        assert "choose another --protected" in refused.err
    assert service.requests == []
    await import_into(path, "--protected", "kept.csv")
    assert (tmp_path / "kept.csv").read_text().startswith("line,reason,contact_id")


async def test_standard_input_is_imported(
    import_into: Any, contacts: Any, service: Any, tmp_path: Path
) -> None:
    """`-` reads standard input, also in a dry run; other files are written to the folder."""
    rows = "contact_id\tdoNotTrack\nann\tyes\nbob\tmaybe\n"
    dry = await import_into("-", "--dry-run", stdin=rows)
    assert (dry.code, service.preferences) == (3, {})
    assert "0 preferences loosened, 1 tightened, 0 kept" in dry.out
    done = await import_into("-", stdin=rows)
    assert (done.code, service.preferences) == (3, {"ann": "TRUE"})
    assert service.evidence == {"ann": "stdin.csv:2"}
    assert (tmp_path / "stdin.rejected.csv").read_text().startswith("line\treason\tcontact_id")
    assert (await import_into("-", stdin="")).err.startswith("hushpost: stdin.csv is empty")


async def test_tabs_are_a_delimiter(import_into: Any, contacts: Any, service: Any) -> None:
    """Tabs are detected, and can be chosen by name."""
    path = contacts("contact_id\tdoNotTrack\nann\tyes\nbob\n")
    assert (await import_into(path, "--delimiter", "tab")).code == 0
    assert (await import_into(path)).code == 0
    assert service.preferences == {"ann": "TRUE", "bob": "UNSET"}
    assert (await import_into(path, "--delimiter", ",")).code == 2


async def test_a_stray_quote_is_one_bad_row(
    import_into: Any, contacts: Any, service: Any, tmp_path: Path
) -> None:
    """A stray quote rejects its row, with its line, and not the thousands that follow."""
    rows = [f"c{number},true,x" for number in range(3_000)]
    rows[10] = 'c10,true,"x'
    rows[2_500] = 'c2500,true,x"'
    done = await import_into(contacts("contact_id,doNotTrack,note\n" + "\n".join(rows) + "\n"))
    assert done.code == 3
    assert "1 rows rejected" in done.out
    assert service.preferences.keys() == {f"c{number}" for number in range(3_000)} - {"c10"}
    rejected = (tmp_path / "contacts.rejected.csv").read_text()
    assert "12,can't be read as CSV: its quote is not closed within 100 lines" in rejected


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
    assert (
        done.err.count("no column doNotTrack or tracking_consent, preferences stay unchanged") == 1
    )
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


async def test_a_dry_run_changes_nothing(import_into: Any, contacts: Any, service: Any) -> None:
    """`--dry-run` writes nothing, and reports bad rows and what an import would change."""
    path = contacts("contact_id,doNotTrack\nann,1\nbob,maybe\ncid,\ndan\neve,no\nfay,no\n")
    stored = {"ann": "UNSET", "eve": "TRUE", "fay": "FALSE"}
    service.preferences.update(stored)
    service.decisions.add("eve")
    done = await import_into(path, "--dry-run", "--batch-size", "2")
    assert done.code == 3
    assert service.preferences == stored
    assert done.out.splitlines()[-3:] == [
        "an import now would create 2 contacts",
        "1 preferences loosened, 1 tightened, 2 kept",
        "1 rows would loosen what recipients decided in person, and are skipped",
    ]
    assert "6 rows, 5 good, 1 bad; nothing was written" in done.out
    assert "doNotTrack false: 3, by an empty cell: 1" in done.out
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
    assert done.code == 5
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
