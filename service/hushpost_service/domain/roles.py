"""The roles of API keys. Pure."""

from enum import IntEnum

__all__ = ["Role"]


class Role(IntEnum):
    """What a key may do. Values as in `hushpost.v1.Role`."""

    SENDER = 1
    EDGE = 2
    REPORTER = 3
    ADMIN = 4
