"""Gives commands the options of the connection to the authority."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

from hushpost_cli._connection import ConnectionOptions
from hushpost_cli._options import (
    DEFAULT_AUTHORITY,
    ApiKeyFile,
    Authority,
    CaFile,
    ClientCertificate,
    ClientKey,
    Tls,
)

__all__ = ["CONNECTION_OPTIONS", "connected"]


def _options(
    *,
    authority: Authority = DEFAULT_AUTHORITY,
    api_key_file: ApiKeyFile = None,
    tls: Tls = None,
    ca_file: CaFile = None,
    client_certificate: ClientCertificate = None,
    client_key: ClientKey = None,
) -> ConnectionOptions:
    return ConnectionOptions(
        authority=authority,
        api_key_file=api_key_file,
        tls=tls,
        ca_file=ca_file,
        client_certificate=client_certificate,
        client_key=client_key,
    )


CONNECTION_OPTIONS = signature(_options).parameters
"""The options by the name of their parameter."""


def connected(command: Callable[..., None]) -> Callable[..., None]:
    """Replace a command's parameter `connection` by the options of the connection.

    Typer reads the options of a command from its signature. Without this, every command would
    list them.
    """

    @wraps(command)
    def run(**arguments: Any) -> None:
        given = {name: arguments.pop(name) for name in CONNECTION_OPTIONS}
        command(connection=_options(**given), **arguments)

    own = signature(command)
    parameters = [each for name, each in own.parameters.items() if name != "connection"]
    parameters = [*parameters, *CONNECTION_OPTIONS.values()]
    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run
