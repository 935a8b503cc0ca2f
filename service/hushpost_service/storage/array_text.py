"""Arrays as text, for statements that are on the path of every single call.

For a list, asyncpg checks for each element whether it is a sequence itself. As text, an array takes
half of the CPU time (`make bench ONLY=click_cpu_us_native`).
"""

from collections.abc import Iterable

__all__ = ["array_text"]


def array_text(values: Iterable[object]) -> str:
    """Return an array of numbers, booleans or UUIDs as text, for a parameter such as `$1::text::bigint[]`."""
    return f"{{{','.join(map(str, values))}}}"
