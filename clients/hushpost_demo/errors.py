"""The error that ends the demo."""

__all__ = ["DemoError"]


class DemoError(Exception):
    """The demo cannot continue. The message says what is wrong and what to do."""
