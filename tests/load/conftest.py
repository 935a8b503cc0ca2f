"""Makes `bench` importable, which is not part of the wheel."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
