"""The error of this package."""

__all__ = ["CompileError"]


class CompileError(ValueError):
    """The message can't be compiled; the text says what to change about it."""
