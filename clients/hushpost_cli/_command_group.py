"""The group of all commands; loads the commands of other packages on demand."""

import os
from importlib import import_module
from typing import Any

import typer
from rich.markup import escape
from typer.core import TyperGroup
from typer.exceptions import TyperException
from typer.main import get_group

from hushpost_cli._exit import INTERRUPTED, USAGE, error_code, error_text, fail, print_lines
from hushpost_client import HushpostError
from hushpost_runtime.environment import misspelt_variables

__all__ = ["InstalledGroup"]

# Modules that register commands, and the extra that each needs; fast ones first.
_PROVIDERS = {
    "hushpost_edge.cli": "edge",
    "hushpost_dashboard.cli": "dashboard",
    "hushpost_service.cli": "service",
    "hushpost_demo.cli": "demo",
}


class InstalledGroup(TyperGroup):
    """All installed commands. Errors of the authority are printed without a traceback.

    Other packages are imported only for their own commands: loading the service takes a
    second and 50 MB, which `hushpost import` does not need.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._missing: dict[str, bool] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        self._load()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; suggest what to install if it is missing."""
        if cmd_name not in self.commands:
            missing = self._load(cmd_name)
            if missing and cmd_name not in self.commands:
                raise fail(f"no command {cmd_name!r} is installed. {_hint(missing)}", 2)
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command to run; reject misspelt environment variables first."""
        resolved = super().resolve_command(ctx, args)
        # The help shows the right names.
        messages = [] if "--help" in args else misspelt_variables(os.environ)
        if messages:
            print_lines((f"hushpost: {message}" for message in messages), err=True)
            raise typer.Exit(USAGE)
        return resolved

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; the epilog lists extras that could be installed."""
        self.epilog = escape(_hint(self._load()))
        super().format_help(ctx, formatter)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; print an error of the authority, or an interrupt, on one line."""
        try:
            return super().invoke(ctx)
        except HushpostError as error:
            raise fail(error_text(error), error_code(error)) from error
        except TyperException as error:
            raise _wrong_usage(error) from error
        except KeyboardInterrupt:
            raise fail("interrupted", INTERRUPTED) from None

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Read the options before the name of the command; print an error on one line."""
        if not args:  # prints the help
            return super().make_context(info_name, args, parent, **extra)
        try:
            return super().make_context(info_name, args, parent, **extra)
        except TyperException as error:
            raise _wrong_usage(error) from error

    def _load(self, wanted: str | None = None) -> set[str]:
        """Load the commands of other packages, or only until one of them has a name.

        Returns the extras that the loaded packages lack.
        """
        for provider in _PROVIDERS:
            if wanted in self.commands:
                break
            if provider not in self._missing:
                self._missing[provider] = not self._add_from(provider)
        return {_PROVIDERS[provider] for provider, lacks in self._missing.items() if lacks}

    def _add_from(self, provider: str) -> bool:
        try:
            module = import_module(provider)
        except ModuleNotFoundError as missing:
            name = missing.name or ""
            if provider == name or provider.startswith(f"{name}."):
                return True  # the package is not part of this installation
            if name.startswith("hushpost"):
                raise  # a bug, not a missing extra
            return False
        provided = typer.Typer()
        module.register(provided)
        self.commands.update(get_group(provided).commands)
        return True


def _wrong_usage(error: TyperException) -> typer.Exit:
    """Print a wrong command line on one line, without Typer's frame around it."""
    message = error.format_message().rstrip(".").replace("Value error, ", "")
    context = getattr(error, "ctx", None)
    advice = "" if context is None else f" (see `{context.command_path} --help`)"
    return fail(f"{message[:1].lower()}{message[1:]}{advice}", error.exit_code)


def _hint(extras: set[str]) -> str:
    return " ".join(f"pip install 'hushpost[{name}]' adds commands." for name in sorted(extras))
