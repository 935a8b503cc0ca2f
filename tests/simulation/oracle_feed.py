"""Feeds the oracle with what was sent: every event once, without rejected ones. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from tests.simulation.oracle import Model
from tests.simulation.plan import Action, Message, OptOut, Round

__all__ = ["feed_events", "feed_messages", "feed_rounds"]


def feed_messages(model: Model, messages: Sequence[Message], time: datetime) -> None:
    """Feed the sent messages."""
    for message in messages:
        model.send(message.group, message.modes, time)


def feed_rounds(model: Model, rounds: Iterable[Round]) -> None:
    """Feed the past hours."""
    for current in rounds:
        actions = [action for call in current.calls for action in call.actions]
        feed_events(model, actions, current.opt_outs)


def feed_events(model: Model, actions: Iterable[Action], opt_outs: Iterable[OptOut]) -> None:
    """Feed events, and the opt-outs after them."""
    for action in actions:
        model.record(
            action.message.number,
            action.link,
            action.time,
            action.verdict,
            privacy_signal=action.privacy_signal,
            client=action.client,
        )
    for opt_out in opt_outs:
        model.opt_out(opt_out.message.number, of_clicks_only=opt_out.of_clicks_only)
