"""Presets: settings of a policy that follow a product or an authority, each with its source.

They are no legal advice. docs/reference/policy.md says what was read, and what was not found.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hushpost_client import Mode

__all__ = ["PRESETS", "PresetName", "Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """Settings that follow one rule.

    Attributes:
        settings: The names of the settings.
        value: Their value.
        reason: The rule, in a sentence.
        source: Where it was read; "Hushpost" for what is a matter of this product alone.
    """

    settings: tuple[str, ...]
    value: Any
    reason: str
    source: str


class PresetName(StrEnum):
    """The names of the presets."""

    MAPP_2022 = "mapp-2022"
    MAPP_2026 = "mapp-2026"
    FRANCE = "france"
    ITALY = "italy"
    STRICT = "strict"


_MAPP_DO_NOT_TRACK = "https://docs.mapp.com/v1/docs/what-is-anonymized-email-tracking-in-mapp-cloud"
_MAPP_CONSENT = "https://docs.mapp.com/docs/engage-email-tracking-consent"
_MAPP_ANONYMIZED = (
    "https://docs.mapp.com/docs/mapp-engage-anonymized-tracking-denied-withdrawn-consent"
)
_CNIL = "https://www.cnil.fr/fr/recommandation-pixel-suivi-courriels"
_CNIL_FAQ = "https://www.cnil.fr/fr/faq-recommandation-pixels-courriers-electroniques"
_SARBACANE = (
    "https://help.sarbacane.com/en/articles/385-email-tracking-pixels-what-you-need-to-know-and-do"
)
_GARANTE = "https://www.garanteprivacy.it/home/docweb/-/docweb-display/docweb/10241943"
_KANNON = "https://github.com/kannon-email/kannon/issues/418"
_EDPB = (
    "https://www.edpb.europa.eu/our-work-tools/documents/public-consultations/2023/"
    "guidelines-22023-technical-scope-art-53-eprivacy_en"
)


def _modes(purposes: tuple[str, ...], *states: str) -> tuple[str, ...]:
    return tuple(f"{purpose}_modes.when_{state}" for purpose in purposes for state in states)


_OPENS, _CLICKS, _BOTH = ("opens",), ("clicks",), ("opens", "clicks")
_REFUSED = ("denied", "withdrawn")
_NOT_GRANTED = ("unknown", *_REFUSED)

_ENABLED = Rule(("anonymization_enabled",), True, "Otherwise the modes have no effect.", "Hushpost")
_NO_LAST_OPENS = Rule(
    ("record_last_opens",),
    False,
    "The date of a last open is personal data; recording it is a choice of its own.",
    "Hushpost",
)

PRESETS: dict[PresetName, tuple[Rule, ...]] = {
    PresetName.MAPP_2022: (
        _ENABLED,
        Rule(
            _modes(_BOTH, "unknown"),
            Mode.IDENTIFIED,
            "Only contacts who chose it (DoNotTrack = True) are anonymized.",
            _MAPP_DO_NOT_TRACK,
        ),
        Rule(
            _modes(_BOTH, *_REFUSED),
            Mode.ANONYMOUS,
            "Events with DoNotTrack = True are recorded for the group, without the contact.",
            _MAPP_DO_NOT_TRACK,
        ),
        _NO_LAST_OPENS,
    ),
    PresetName.MAPP_2026: (
        _ENABLED,
        Rule(
            _modes(_BOTH, "unknown"),
            Mode.IDENTIFIED,
            "Without a stored value, tracking is on by default.",
            _MAPP_CONSENT,
        ),
        Rule(
            _modes(_BOTH, *_REFUSED),
            Mode.AGGREGATE,
            "Pixel and links carry an anonymous placeholder; events count in totals only.",
            _MAPP_ANONYMIZED,
        ),
        _NO_LAST_OPENS,
    ),
    PresetName.FRANCE: (
        _ENABLED,
        Rule(
            _modes(_OPENS, *_NOT_GRANTED),
            Mode.OFF,
            "A tracking pixel needs prior consent; the exemptions do not name statistics.",
            _CNIL,
        ),
        Rule(
            _modes(_CLICKS, *_NOT_GRANTED),
            Mode.AGGREGATE,
            "Tracking links need consent as pixels do; here all recipients get the same links.",
            _CNIL_FAQ,
        ),
        Rule(
            ("reask_after_days",),
            180,
            "Without consent, wait six months before asking again.",
            _SARBACANE,
        ),
        _NO_LAST_OPENS,
    ),
    PresetName.ITALY: (
        _ENABLED,
        Rule(
            _modes(_OPENS, *_NOT_GRANTED),
            Mode.AGGREGATE,
            "Counting opens needs no consent if all recipients get the same pixel (par. 5).",
            _GARANTE,
        ),
        Rule(
            _modes(_CLICKS, *_NOT_GRANTED),
            Mode.AGGREGATE,
            "The guidelines are about opens; senders apply the same rule to links.",
            _KANNON,
        ),
        _NO_LAST_OPENS,
    ),
    PresetName.STRICT: (
        _ENABLED,
        Rule(
            _modes(_BOTH, *_NOT_GRANTED),
            Mode.OFF,
            "Pixels and tracking links are access to the terminal: without consent, none.",
            _EDPB,
        ),
        _NO_LAST_OPENS,
    ),
}
