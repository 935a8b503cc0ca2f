"""Reads the Dockerfile: its stages, and the instructions of each."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["ROOT", "Instruction", "Stage", "arguments", "read_stages"]

ROOT = Path(__file__).parents[2]
_FILE = ROOT / "Dockerfile"
_COMMENT = re.compile(r"^\s*#.*\n", re.MULTILINE)


@dataclass(frozen=True)
class Instruction:
    """An instruction, such as `COPY --from=build /app /app`.

    Attributes:
        name: Its name, in upper case.
        flags: Its options by name, without the dashes.
        value: What follows, on one line.
    """

    name: str
    flags: dict[str, str]
    value: str

    @property
    def words(self) -> list[str]:
        """The words of the value, or the elements of its JSON form."""
        if self.value.startswith("["):
            return list(map(str, json.loads(self.value)))
        return shlex.split(self.value)


@dataclass
class Stage:
    """A stage.

    Attributes:
        name: Its name.
        base: The image or the stage that it begins with.
        instructions: Its own instructions, without FROM.
    """

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, name: str) -> list[Instruction]:
        """Return the instructions of a name, in their order."""
        return [each for each in self.instructions if each.name == name]

    def last(self, name: str) -> Instruction:
        """Return the last instruction of a name, which is the one in force."""
        return self.all(name)[-1]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that ENV sets."""
        pairs = (word.split("=", 1) for each in self.all("ENV") for word in each.words)
        return dict(pairs)


def read_stages() -> dict[str, Stage]:
    """Return the stages by name, in their order. A target contains the stages it is based on."""
    stages: dict[str, Stage] = {}
    stage = None
    for each in _instructions():
        if each.name == "FROM":
            base, _, name = each.words
            inherited = stages[base].instructions if base in stages else []
            stage = stages[name] = Stage(name, base, list(inherited))
        elif stage is not None:
            stage.instructions.append(each)
    return stages


def arguments() -> dict[str, str]:
    """Return the defaults of the arguments (ARG) before the first FROM, which all FROM may use."""
    found = {}
    for each in _instructions():
        if each.name == "FROM":
            break
        name, _, default = each.value.partition("=")
        found[name] = default
    return found


def _instructions() -> list[Instruction]:
    text = _COMMENT.sub("", _FILE.read_text("utf-8"))
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [_instruction(line) for line in lines if line.strip()]


def _instruction(line: str) -> Instruction:
    name, _, rest = line.partition(" ")
    flags = {}
    while found := re.match(r"\s*--([\w-]+)=(\S+)\s+", rest):
        flags[found[1]] = found[2]
        rest = rest[found.end() :]
    return Instruction(name, flags, rest.strip())
