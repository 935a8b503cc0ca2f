"""Examples to paste into a second terminal."""

import shlex
import sys
from pathlib import Path

__all__ = ["examples"]

_COMMAND = """\
{command} stats {campaign} --watch \\
  --authority {address} --api-key-file {key}
"""

_GRPCURL = """\
grpcurl -plaintext -H "authorization: Bearer $(cat {key})" \\
  -d '{{"campaign_id": "{campaign}"}}' \\
  {address} hushpost.v1.StatsService/GetCampaignStats
"""

_PYTHON = """\
{python} - <<'END'
from pathlib import Path
from hushpost_client.sync import Hushpost
key = Path({key_name!r}).read_text().strip()
with Hushpost.connect({address!r}, api_key=key) as hushpost:
    print(hushpost.stats.get_campaign_stats({campaign!r}).opens.human)
END
"""


def examples(command: Path, address: str, key: Path, campaign: str) -> tuple[str, ...]:
    """Return shell commands that read the statistics: with `hushpost`, grpcurl and Python.

    They read the key from its file, so that it does not end up in a shell history.
    """
    key = _relative(key)
    return (
        _COMMAND.format(
            command=shlex.quote(str(_relative(command))),
            campaign=campaign,
            address=address,
            key=shlex.quote(str(key)),
        ),
        _GRPCURL.format(key=shlex.quote(str(key)), campaign=campaign, address=address),
        _PYTHON.format(
            python=shlex.quote(str(_relative(Path(sys.executable)))),
            key_name=str(key),
            address=address,
            campaign=campaign,
        ),
    )


def _relative(path: Path) -> Path:
    """Return a path below the working directory as a relative one."""
    path = Path.cwd() / path
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
