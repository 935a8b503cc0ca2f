"""What to paste into a second terminal."""

import shlex
import sys
from pathlib import Path

__all__ = ["examples"]

_GRPCURL = """\
grpcurl -plaintext -H "authorization: Bearer $(cat {key})" \\
  -d '{{"campaign_id": "{campaign}"}}' \\
  {address} hushpost.v1.StatsService/GetCampaignStats
"""

_PYTHON = """\
{python} - <<'END'
import asyncio, pathlib, hushpost_client
async def main(key=pathlib.Path({key_name!r}).read_text()):
    async with hushpost_client.Hushpost.connect({address!r}, api_key=key, tls=False) as hushpost:
        print((await hushpost.stats.get_campaign_stats({campaign!r})).opens.human)
asyncio.run(main())
END
"""


def examples(address: str, key: Path, campaign: str) -> tuple[str, str]:
    """Return a call by grpcurl and one by Python, as lines for a shell.

    The key is read from its file, so that it stands in no terminal's history.
    """
    near = _near(key)
    return (
        _GRPCURL.format(key=shlex.quote(str(near)), campaign=campaign, address=address),
        _PYTHON.format(
            python=shlex.quote(str(_near(Path(sys.executable)))),
            key_name=str(near),
            address=address,
            campaign=campaign,
        ),
    )


def _near(path: Path) -> Path:
    """Return a path as seen from here, where that is below."""
    path = Path.cwd() / path
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
