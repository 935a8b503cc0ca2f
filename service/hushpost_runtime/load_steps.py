"""Rounds what metrics say about the load, so that no single event can be seen in them."""

__all__ = ["rounded_load"]


def rounded_load(load: int, limit: int, steps: int = 10) -> int:
    """Return a load, rounded down to a step of its limit: 0 unless the load is high.

    Args:
        load: For example the number of calls in progress.
        limit: The greatest load.
        steps: How many steps the limit has.
    """
    step = max(1, limit // steps)
    return load // step * step
