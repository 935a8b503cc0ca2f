"""`hushpost erase`, run as a user runs it."""

import asyncio
import csv
import os
import signal
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import pytest

from hushpost.v1 import preference_pb2

UNAVAILABLE = (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")


@pytest.fixture
def erase(hushpost: Any, ledger: Any) -> Any:
    """Run `hushpost erase` against the ledger."""

    async def run(path: Path, *options: str | Path, stdin: str = "") -> Any:
        fixed = ("--contacts", path, "--tenant", "acme", "--authority", ledger.target)
        return await hushpost("erase", *fixed, *options, stdin=stdin)

    return run


def ids(ledger: Any) -> list[str]:
    """Return the contacts of all erasures, sorted."""
    return sorted(request.contact_id for request in ledger.erasures)


async def test_contacts_are_erased(erase: Any, contacts: Any, ledger: Any) -> None:
    """Each row's contact is erased once, as `--proof` says, other columns are named."""
    path = contacts("name;contact_id;doNotTrack\nAnn;ann;1\nBob;bob;\n")
    done = await erase(path, "--yes")
    assert (done.code, done.out) == (0, "contacts.csv: 2 rows, 2 contacts erased\n")
    assert done.err == "contacts.csv: ignoring the columns name, doNotTrack\n"
    assert ids(ledger) == ["ann", "bob"]
    assert {request.tenant_id for request in ledger.erasures} == {"acme"}
    assert {request.proof for request in ledger.erasures} == {preference_pb2.PROOF_DELETE}
    await erase(path, "--yes", "--proof", "pseudonymize")
    assert ledger.erasures[-1].proof == preference_pb2.PROOF_PSEUDONYMIZE


async def test_a_second_run_repeats_the_requests_of_the_first(
    erase: Any, contacts: Any, ledger: Any
) -> None:
    """The same file makes the same requests; another file, or another proof, makes others."""
    for content, proof in (("ann\n", "delete"), ("ann\n", "delete"), ("ann\n", "pseudonymize")):
        await erase(contacts(f"contact_id\n{content}bob\n"), "--yes", "--proof", proof)
    await erase(contacts("contact_id\nann\n"), "--yes")
    by_contact: dict[str, list[str]] = {}
    for request in ledger.erasures:
        UUID(request.request_id)
        by_contact.setdefault(request.contact_id, []).append(request.request_id)
    first, again, proof_else, file_else = by_contact["ann"]
    assert first == again
    assert len({first, proof_else, file_else, *by_contact["bob"]}) == 5


async def test_nobody_is_erased_unasked(erase: Any, contacts: Any, ledger: Any) -> None:
    """Without `--yes` it asks, with numbers, and anything but yes erases nobody, with code 2."""
    path = contacts("contact_id\nann\nbob\n\tcid\n")
    for answer, words in (("n\n", "nobody was erased"), ("", "--yes does not ask")):
        done = await erase(path, stdin=answer)
        assert (done.code, ledger.erasures) == (2, [])
        assert "erase 2 contacts of acme (1 rows are bad and left out)?" in done.err
        assert words in done.err
    assert list(path.parent.iterdir()) == [path]
    assert (await erase(path, stdin="y\n")).code == 3
    assert ids(ledger) == ["ann", "bob"]


async def test_bad_rows_go_to_a_file_of_their_own(erase: Any, contacts: Any, ledger: Any) -> None:
    """Bad rows are written with line and reason, the others erased, and the code is 3."""
    path = contacts('contact_id,x\nann,1\n,2\nbob,"3"4\n\ncid ,5\ndan,6\n')
    done = await erase(path, "--yes")
    assert done.code == 3
    assert ids(ledger) == ["ann", "dan"]
    rejected = path.with_name("contacts.rejected.csv")
    assert f"3 rows rejected, see {rejected}" in done.out
    with rejected.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert [row[0] for row in rows] == ["line", "3", "4", "6"]
    assert rows[3][1] == "contact_id has blanks around it"


async def test_a_dry_run_touches_nothing(erase: Any, contacts: Any, ledger: Any) -> None:
    """`--dry-run` tells of bad rows, asks nothing, erases nobody and writes nothing."""
    path = contacts("contact_id\nann\n\tbob\n")
    done = await erase(path, "--dry-run")
    assert (done.code, ledger.erasures) == (3, [])
    assert "2 rows, 1 good, 1 bad; nobody was erased" in done.out
    assert "line 3: contact_id has blanks around it" in done.out
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"name\nann\n", b"contact_id\nann\nb\xf6b\n"])
async def test_a_wrong_file_erases_nobody(
    erase: Any, contacts: Any, ledger: Any, content: bytes
) -> None:
    """A file that can't be read to its end is refused before anything is sent, with code 2."""
    done = await erase(contacts(content), "--yes")
    assert (done.code, ledger.erasures) == (2, [])


async def test_several_calls_are_under_way(erase: Any, contacts: Any, ledger: Any) -> None:
    """As many calls as asked for are under way together, and no more."""
    ledger.script = [1.0] * 5
    run = asyncio.create_task(
        erase(contacts("contact_id\na\nb\nc\nd\ne\n"), "--yes", "--at-once", "3")
    )
    seen = 0
    while not run.done():
        seen = max(seen, len(ledger.erasures) if len(ledger.script) == 2 else 0)
        await asyncio.sleep(0.01)
    assert seen == 3
    assert (await run).code == 0
    assert ids(ledger) == ["a", "b", "c", "d", "e"]


async def test_an_outage_is_overcome(erase: Any, contacts: Any, ledger: Any) -> None:
    """UNAVAILABLE is overcome with the same request id, so that an erasure counts once."""
    ledger.script = [UNAVAILABLE, UNAVAILABLE]
    done = await erase(contacts("contact_id\nann\n"), "--yes")
    assert (done.code, len(ledger.erasures)) == (0, 3)
    assert len({request.request_id for request in ledger.erasures}) == 1


async def test_a_failure_says_how_far_it_came(erase: Any, contacts: Any, ledger: Any) -> None:
    """After an error no call begins, those under way end, and what is erased is told."""
    ledger.script = [None, (grpc.StatusCode.INTERNAL, "INTERNAL")]
    path = contacts("contact_id\nann\nbob\ncid\n")
    done = await erase(path, "--yes", "--at-once", "1")
    assert (done.code, ids(ledger)) == (1, ["ann", "bob"])
    assert "INTERNAL: in words; 1 contacts are erased, 1 more may or may not be." in done.err
    ledger.script = [(grpc.StatusCode.PERMISSION_DENIED, "TENANT_NOT_ALLOWED")]
    done = await erase(path, "--yes", "--at-once", "1")
    assert "TENANT_NOT_ALLOWED: in words; 0 contacts are erased. Erasing" in done.err


async def test_an_interrupt_says_how_far_it_came(
    contacts: Any, ledger: Any, tmp_path: Path
) -> None:
    """Ctrl-C in the middle ends with 130 and tells how many are erased."""
    ledger.script = [None, 30.0, 30.0]
    path = contacts("contact_id\nann\nbob\ncid\n")
    arguments = ["erase", "--contacts", str(path), "--tenant", "acme", "--yes", "--at-once", "2"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from hushpost_cli.main import app; app()", *arguments),
        *("--authority", ledger.target),
        cwd=tmp_path,
        env={**os.environ, "HUSHPOST_API_KEY": "hp_key"},
        stderr=asyncio.subprocess.PIPE,
    )
    while len(ledger.erasures) < 3:  # noqa: ASYNC110 - the ledger runs in this loop
        await asyncio.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 130
    assert b"interrupted; 1 contacts are erased, 2 more may or may not be" in err
