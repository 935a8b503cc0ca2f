"""The generated visits to the edge."""

import random
from collections import defaultdict
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from hushpost_client import Mode, Verdict
from tests.simulation.plan import Link, Message, Step
from tests.simulation.present_hour import LEAVING, draw_steps

NOW = datetime(2025, 3, 21, 12, 30, tzinfo=UTC)
HASTY = "hasty sandboxes"
IDENTIFIED = (Mode.IDENTIFIED, Mode.IDENTIFIED)
MACHINES = (Verdict.PREFETCH, Verdict.SCANNER)


def _message(number: int) -> Message:
    modes = (IDENTIFIED, (Mode.ANONYMOUS, Mode.IDENTIFIED), (Mode.OFF, Mode.OFF))[number % 3]
    token = f"{number:056}" if modes[0] is not Mode.OFF else ""
    click_token = token if modes[0] is modes[1] else token[::-1]
    return Message(
        number,
        f"c{number}",
        "press",
        modes,
        token,
        click_token,
        f"preference-{number}",
        f"http://edge.test/o/{token}.gif" if token else "",
        tuple(
            Link(n, f"http://edge.test/c/{click_token}/{n}", f"https://a.example.com/{n}")
            for n in (1, 2, 4)
            if token
        ),
    )


MESSAGES = [_message(number) for number in range(90)]
LEAVERS = [message for message in MESSAGES if message.modes == IDENTIFIED][:LEAVING]

seeds = st.integers()


def _steps(seed: int) -> tuple[Step, ...]:
    return draw_steps(MESSAGES, LEAVERS, random.Random(seed))  # noqa: S311


@settings(max_examples=30)
@given(seeds)
def test_only_sandboxes_click_several_links_at_once(seed: int) -> None:
    """Within a step, no other visitor clicks two links of a message from one network."""
    for step in _steps(seed):
        clicked: dict[tuple[str, str], set[int]] = defaultdict(set)
        for visit in step.visits:
            network = visit.headers["X-Forwarded-For"]
            clicked[visit.message.token, network].update(
                fetch.link
                for fetch in visit.fetches
                if fetch.link and (fetch.verdict not in MACHINES or visit.who == HASTY)
            )
            if visit.who == HASTY:
                is_one_token = visit.message.token == visit.message.click_token
                burst = [fetch for fetch in visit.fetches if fetch.link or is_one_token]
                assert {fetch.verdict for fetch in burst} == {Verdict.SCANNER}
        assert all(
            len(links) <= 1
            for (_, network), links in clicked.items()
            if not network.startswith("203.0.113.")
        )


@settings(max_examples=30)
@given(seeds)
def test_contacts_that_opt_out_read_in_every_step(seed: int) -> None:
    """They visit in every step and never send a privacy signal."""
    steps = _steps(seed)
    leavers = {message.number for message in LEAVERS}
    assert [len(step.opt_outs) for step in steps] == [0, LEAVING, 0]
    for step in steps:
        assert leavers <= {
            action.message.number for visit in step.visits for action in visit.actions(NOW)
        }
        assert not any(v.privacy_signal for v in step.visits if v.message.number in leavers)


@settings(max_examples=30)
@given(seeds)
def test_visitors_request_the_urls_of_their_mail(seed: int) -> None:
    """Requests use the URLs of the mail and expect the original destinations; OFF has none."""
    for visit in (visit for step in _steps(seed) for visit in step.visits):
        assert visit.message.is_tracked
        links = {link.number: link for link in visit.message.links}
        for fetch in visit.fetches:
            if fetch.link:
                assert links[fetch.link].url.endswith(fetch.path)
                assert fetch.location == links[fetch.link].destination
            elif fetch.link == 0:
                assert visit.message.pixel.endswith(fetch.path)


def test_other_visitors_send_privacy_signals() -> None:
    """Both headers occur and are reported to the oracle."""
    visits = [visit for seed in range(9) for step in _steps(seed) for visit in step.visits]
    assert {name for visit in visits for name in visit.headers} >= {"Sec-GPC", "DNT"}
    assert all(
        visit.privacy_signal is bool({"Sec-GPC", "DNT"} & {*visit.headers}) for visit in visits
    )


def test_some_requests_count_for_nothing() -> None:
    """They include a HEAD request, an unknown link and a damaged token."""
    odd = [f for step in _steps(1) for v in step.visits for f in v.fetches if f.link is None]
    assert {fetch.method for fetch in odd} == {"GET", "HEAD"}
    assert {fetch.status for fetch in odd} == {200, 302, 404}
    assert any(fetch.is_refused for fetch in odd)
    assert all(fetch.location for fetch in odd if fetch.status == 302)
