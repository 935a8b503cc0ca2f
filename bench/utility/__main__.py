"""`python -m bench.utility`: check margins with real noise, and write docs/reference/utility.md."""

from pathlib import Path
from random import Random
from typing import Annotated

import numpy as np
import typer

from bench.utility.page import page
from hushpost_service.domain.noise import margin, with_noise
from hushpost_service.domain.release_plan import CountKind, ReleasePlan

_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "utility.md"
_DRAWS = 10_000
_SEED = 12


def main(
    target: Annotated[Path, typer.Option(help="File to write the page to.")] = _PAGE,
) -> None:
    """Draw real noise to check the margins, then write the page of expected errors."""
    for epsilon in (0.5, 1.0, 2.0, 4.0):
        for kind, people, rate in (
            (CountKind.OPENS, 1000, 0.4),
            (CountKind.CLICKERS, 1000, 0.03),
            (CountKind.LINKS, 1000, 0.03),
        ):
            scale = ReleasePlan(epsilon, 4).scale(3, kind, machine=False)
            _check(people, rate, scale)
    target.write_text(page(Random(_SEED)), "utf-8")
    typer.echo(f"{target}: written; {12 * _DRAWS} draws of noise are as the margins say")


def _check(people: int, rate: float, scale: float) -> None:
    """Check that 95 % of the released counts are within the margin of the true ones."""
    counts = np.random.default_rng(_SEED).binomial(people, rate, _DRAWS)
    released = np.array(with_noise(counts.tolist(), [scale] * _DRAWS))
    reach = margin([scale])
    within = float(np.mean(np.abs(released - counts) <= reach))
    closer = float(np.mean(np.abs(released - counts) < reach))
    # Five standard deviations of a share of 0.95 among the draws.
    tolerance = 5 * (0.95 * 0.05 / _DRAWS) ** 0.5
    if not (within > 0.95 - tolerance and closer < 0.95 + tolerance):
        raise typer.BadParameter(f"{within:.3f} of the counts are within {reach}, not 0.95")


if __name__ == "__main__":
    typer.run(main)
