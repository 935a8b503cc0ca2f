"""The health check of the images of the edge and the dashboard: exits with 0 if /healthz answers.

python http_health.py VARIABLE      the variable with the address, such as HUSHPOST_EDGE_LISTEN
"""

import os
import sys
from http.client import HTTPConnection

_SECONDS = 4
_EVERYWHERE = {"0.0.0.0", "[::]", ""}  # noqa: S104 - compared with, not listened on
_OK = 200


def main(variable: str) -> int:
    """Return the exit code."""
    host, _, port = os.environ[variable].rpartition(":")
    connection = HTTPConnection("127.0.0.1" if host in _EVERYWHERE else host, int(port), _SECONDS)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except OSError as error:
        print(error, file=sys.stderr)  # noqa: T201 - "docker inspect" shows it
        return 1
    finally:
        connection.close()
    print(status)  # noqa: T201
    return 0 if status == _OK else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
