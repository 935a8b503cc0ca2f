"""The group of all commands: loads those of other packages when they are asked for."""

from importlib import import_module
from typing import Any

import typer
from rich.markup import escape
from typer.core import TyperGroup
from typer.main import get_group

from hushpost_cli._failures import fail
from hushpost_client import HushpostError

__all__ = ["InstalledGroup"]

# Modules that bring commands of their own, and the extra that each needs; those
# that load fast come first.
_PROVIDERS = {
    "hushpost_edge.cli": "edge",
    "hushpost_service.cli": "service",
    "hushpost_demo.cli": "demo",
}


class InstalledGroup(TyperGroup):
    """The commands that are installed, none of which shows a traceback for an answer.

    Other packages are imported for commands that are not our own only: the
    service takes a second and 50 MB, which an import of contacts has no use for.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._missing: dict[str, bool] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        """Answer the names of all commands."""
        self._load()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Answer a command; say what to install where it may just not be there."""
        if cmd_name not in self.commands:
            missing = self._load(cmd_name)
            if missing and cmd_name not in self.commands:
                raise fail(f"no command {cmd_name!r} is installed. {_hint(missing)}", 2)
        return super().get_command(ctx, cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, with what could be installed at its end."""
        self.epilog = escape(_hint(self._load()))
        super().format_help(ctx, formatter)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; an error of the service is one line and exit code 1."""
        try:
            return super().invoke(ctx)
        except HushpostError as error:
            raise fail(str(error)) from error

    def _load(self, wanted: str | None = None) -> set[str]:
        """Add the commands of other packages, or of as many as it takes to find one.

        Answers the extras that those looked at lack.
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
                return True  # not part of this installation at all
            if name.startswith("hushpost"):
                raise  # a fault of ours, not something to install
            return False
        theirs = typer.Typer()
        module.register(theirs)
        self.commands.update(get_group(theirs).commands)
        return True


def _hint(extras: set[str]) -> str:
    return " ".join(f"pip install 'hushpost[{name}]' adds commands." for name in sorted(extras))
