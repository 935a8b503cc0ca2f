"""Adds up the events of one commit: counters, slot bits and rows.

`ScalarTally` loops over the events, which is faster for the few dozen single calls that share a
commit. It leaves to the database which events are the first of their slots, so that no bitmaps are
sent. `ColumnarTally` runs each step over NumPy columns, which is several times faster for batches but
has a fixed cost per step. The recorder uses `ColumnarTally` as soon as a commit contains a batch.
`make bench ONLY=record_events_vs_copy` measures batches and `ONLY=record_click_vs_echo` single calls.
"""

from hushpost_service.tracking.tally.columnar import ColumnarTally
from hushpost_service.tracking.tally.scalar import ScalarTally

__all__ = ["ColumnarTally", "ScalarTally"]
