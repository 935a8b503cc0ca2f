"""What a person chooses with the forms of the preference page."""

from collections.abc import Mapping
from typing import NamedTuple

from hushpost_client import Consent, Preference

__all__ = ["Consents", "chosen_consents"]


class Consents(NamedTuple):
    """The consents to both purposes."""

    opens: Consent
    clicks: Consent

    @classmethod
    def of(cls, preference: Preference) -> "Consents":
        """Return the consents of a preference."""
        return cls(
            preference.opens_consent or Consent.UNKNOWN,
            preference.clicks_consent or Consent.UNKNOWN,
        )


def chosen_consents(form: Mapping[str, object], current: Consents) -> Consents | None:
    """Return the consents that a form chooses; None if it chooses nothing.

    The fields are those of `templates/preferences.html`. `choice` says which button was used;
    for "separate" and "undo", `opens` and `clicks` have a value each.
    """
    choice = form.get("choice")
    if choice in ("allow", "decline"):
        return Consents(*(_answer(choice, consent) or consent for consent in current))
    given = form.get("opens"), form.get("clicks")
    if choice == "separate":
        answers = [_answer(*pair) for pair in zip(given, current, strict=True)]
    elif choice == "undo":
        answers = [_earlier(value) for value in given]
    else:
        return None
    opens, clicks = answers
    return Consents(opens, clicks) if opens and clicks else None


def _answer(value: object, current: Consent) -> Consent | None:
    if value == "allow":
        return Consent.GRANTED
    if value == "decline":
        # Who had agreed withdraws; a refusal stays as it was.
        return _REFUSED[current]
    return None


_REFUSED = {
    Consent.UNKNOWN: Consent.DENIED,
    Consent.GRANTED: Consent.WITHDRAWN,
    Consent.DENIED: Consent.DENIED,
    Consent.WITHDRAWN: Consent.WITHDRAWN,
}

_NAMES = frozenset(Consent)


def _earlier(value: object) -> Consent | None:
    return Consent(value) if isinstance(value, str) and value in _NAMES else None
