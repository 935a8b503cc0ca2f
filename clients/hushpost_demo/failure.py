"""How the demo fails where something expected is wrong."""

__all__ = ["DemoError"]


class DemoError(Exception):
    """The demo can't go on. The message is for people and says what to do."""
