"""Shell completion of the console script."""

import os
import subprocess

import pytest

from tests.authority import HUSHPOST


def _completed(shell: str, **variables: str) -> str:
    environment = {**os.environ, "_HUSHPOST_COMPLETE": shell, **variables}
    done = subprocess.run(
        [HUSHPOST], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


@pytest.mark.parametrize(
    ("shell", "registers"),
    [
        ("bash", "complete -o default -F _hushpost_completion hushpost"),
        ("zsh", "compdef _hushpost_completion hushpost"),
        ("fish", "complete --command hushpost"),
    ],
)
def test_a_script_for_each_shell(shell: str, registers: str) -> None:
    """The script that `--show-completion` prints registers the completion."""
    assert registers in _completed(f"source_{shell}")


def test_the_script_for_bash_is_valid() -> None:
    """Bash reads it without an error, and then completes the name of a command."""
    script = _completed("source_bash")
    steps = f"""{script}
COMP_WORDS=(hushpost con) COMP_CWORD=1
_hushpost_completion {HUSHPOST}
echo "${{COMPREPLY[*]}}"
"""
    done = subprocess.run(
        ["bash", "-euc", steps],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("consent\n", "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("hushpost camp", {"campaigns"}),
        ("hushpost consent ", {"get", "set", "log", "export", "verify"}),
        ("hushpost keys cr", {"create"}),
        ("hushpost domains ", {"add", "check", "list", "remove"}),
        ("hushpost ser", {"serve"}),
        ("hushpost keyring a", {"add", "activate"}),
        ("hushpost consent log --so", {"--source"}),
        ("hushpost consent set --opens gr", {"GRANTED"}),
    ],
)
def test_commands_and_options_are_completed(words: str, expected: set[str]) -> None:
    """Also those of other packages, and the values of options."""
    count = len(words.split(" ")) - 1
    found = _completed("complete_bash", COMP_WORDS=words, COMP_CWORD=str(count))
    assert set(found.split()) == expected


def test_help_names_the_options() -> None:
    """`--help` says how to install the completion."""
    done = subprocess.run([HUSHPOST, "--help"], capture_output=True, text=True, check=True)
    assert "--install-completion" in done.stdout
    assert "--show-completion" in done.stdout
