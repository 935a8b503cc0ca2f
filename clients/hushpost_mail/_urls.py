"""The URLs that stand in mail: of the pixel, the links and the preference page."""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final
from urllib.parse import urlsplit

__all__ = ["TOKEN_CHARACTERS", "Insertion", "Slot", "TrackingUrls"]

TOKEN_CHARACTERS: Final = 56
"""Of a tracking token (DESIGN, token)."""

# It stands unquoted, in quotes of both kinds and in text, so it may hold
# nothing that ends it there.
_FITS_EVERYWHERE = re.compile(r"https?://[A-Za-z0-9._~:/@\[\]-]+", re.IGNORECASE)

# The image is transparent. Out of the flow and without a size of its own, it
# takes no place where a client honours neither width nor opacity. Not
# `display:none`: some clients do not load what is not displayed.
_PIXEL_STYLE = (
    "position:absolute;width:1px;height:1px;margin:0;padding:0;border:0;opacity:0;overflow:hidden"
)


class Slot(Enum):
    """What differs between messages."""

    TOKEN = auto()
    PREFERENCE_TOKEN = auto()


@dataclass(frozen=True, slots=True)
class Insertion:
    """What is put into a part: a slot, and what stands before and after it."""

    before: str
    slot: Slot
    after: str


@dataclass(frozen=True, slots=True)
class TrackingUrls:
    """Makes URLs below the address of the edge.

    Raises ValueError for an address that is no plain http or https URL.
    """

    base: str

    def __post_init__(self) -> None:
        if not _FITS_EVERYWHERE.fullmatch(self.base) or not urlsplit(self.base).hostname:
            raise ValueError(
                "tracking_url is an http or https URL of a host and, if need be, a path: "
                f"not {self.base!r}"
            )
        object.__setattr__(self, "base", self.base.rstrip("/"))

    def click(self, link_number: int) -> Insertion:
        """Of a link."""
        return Insertion(f"{self.base}/c/", Slot.TOKEN, f"/{link_number}")

    def pixel(self) -> Insertion:
        """Of the pixel, as an element."""
        return Insertion(
            f'<img src="{self.base}/o/',
            Slot.TOKEN,
            f'.gif" width="1" height="1" alt="" border="0" style="{_PIXEL_STYLE}" />',
        )

    def preferences(self) -> Insertion:
        """Of a contact's preference page."""
        return Insertion(f"{self.base}/p/", Slot.PREFERENCE_TOKEN, "")
