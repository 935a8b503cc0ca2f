"""Numbers of verdicts in requests: those that a newer client may send count as UNKNOWN."""

from hushpost_service.domain.verdicts import Verdict
from hushpost_service.rpc.convert import verdict, verdicts


def test_unknown_numbers_of_a_batch_become_unknown() -> None:
    """A number that is no verdict affects no other event of the batch."""
    assert verdicts([Verdict.HUMAN, 99, 0, Verdict.SCANNER]) == [
        Verdict.HUMAN,
        Verdict.UNKNOWN,
        Verdict.UNKNOWN,
        Verdict.SCANNER,
    ]


def test_a_batch_is_converted_like_single_events() -> None:
    """Both functions return the same for every number."""
    numbers = list(range(-1, 101))
    singles = [verdict(number) for number in numbers]
    assert verdicts(numbers) == singles
    assert [converted for number in numbers for converted in verdicts([number])] == singles


def test_known_verdicts_stay() -> None:
    """Each verdict is converted to itself, alone and in a batch."""
    known = [int(each) for each in Verdict]
    assert verdicts(known) == known
    assert [verdict(number) for number in known] == known
