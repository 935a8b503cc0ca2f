"""Threads that wait for their turn on a CPU that they share."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from hushpost_service.thread_scheduling import threads_that_wait

pytestmark = pytest.mark.skipif(
    not hasattr(os, "SCHED_BATCH"), reason="this system has no such policy"
)


def _policy_of_new_thread() -> int:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(os.sched_getscheduler, 0).result()


def test_only_threads_that_start_within_the_block_wait() -> None:
    """The thread itself and later threads have the usual policy, also after an error."""
    within = []

    def fail() -> None:
        with threads_that_wait():
            within.append(_policy_of_new_thread())
            raise ValueError("failed")

    with pytest.raises(ValueError, match="failed"):
        fail()
    assert within == [os.SCHED_BATCH]
    assert os.sched_getscheduler(0) == _policy_of_new_thread() == os.SCHED_OTHER


def test_a_policy_that_someone_has_chosen_is_kept() -> None:
    """Threads inherit it, within the block and after it."""

    def policies() -> list[int]:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        with threads_that_wait():
            within = _policy_of_new_thread()
        return [within, os.sched_getscheduler(0)]

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(policies).result() == [os.SCHED_IDLE] * 2


def test_a_system_that_forbids_the_policy_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox may reject the system call; the threads then are as usual."""

    def forbid(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", forbid)
    with threads_that_wait():
        assert _policy_of_new_thread() == os.SCHED_OTHER
