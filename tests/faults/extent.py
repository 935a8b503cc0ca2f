"""How long the tests of faults run: short in `make test`, long in `make test-faults`."""

import os

__all__ = ["FIRST_SEED", "FULL", "RUNS"]

FULL = os.environ.get("HUSHPOST_TEST_FAULTS") == "full"
"""Whether to run the long version of every attack. Tests under `tests/faults` follow it."""

RUNS = int(os.environ.get("HUSHPOST_TEST_FAULTS_RUNS") or ("200" if FULL else "1"))
"""How many seeds a seeded test tries."""

FIRST_SEED = int(os.environ.get("HUSHPOST_TEST_FAULTS_SEED") or "1")
"""The first of these seeds; the others follow in order."""
