"""The mapping files of a site, one by one: a map author works on them while the rest of the site may be wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gateway.config.catalogue import MappingProblem, MappingSource
from gateway.config.problems import did_you_mean
from gateway.config.source import Source, read_yaml
from gateway.errors import ConfigRefused, Problem, Refused
from gateway.mapping.builtin import builtin, builtin_files
from gateway.mapping.compile import compile_mapping
from gateway.mapping.lint import lint
from gateway.mapping.read import ReadPlan
from gateway.mapping.write import Origin, WritePlan

DIRECTORY = "mappings"
ENDING = ".yaml"
TEST = ".test.yaml"


class MapFiles:
    """The mappings of a site and those that come with the gateway, by name."""

    def __init__(self, root: Path) -> None:
        self._files: dict[str, Source] = dict(builtin_files())
        self.own: dict[str, Path] = {}
        for path in sorted((root / DIRECTORY).glob(f"*{ENDING}")):
            if not path.name.endswith(TEST):
                self._put(path, f"{DIRECTORY}/{path.name}")

    def _put(self, path: Path, shown: str) -> str:
        self._files[path.stem] = read_yaml(shown, path.read_bytes())
        self.own[path.stem] = path
        return path.stem

    def named(self, word: str) -> str:
        """The name of the mapping that `word` is, or of the file that it leads to; raises `Refused` for none."""
        if word in self._files:
            return word
        path = Path(word)
        if path.suffix == ENDING and path.is_file():
            own = self.own.get(path.stem)
            return path.stem if own is not None and own.samefile(path) else self._put(path, word)
        raise Refused("E201", f"there is no mapping '{word[:80]}'{did_you_mean(word, self._files)}")

    @property
    def library(self) -> Mapping[str, MappingSource]:
        """Every mapping of the site that can be read."""
        own = {name: self._files[name].data for name in self.own}
        return {name: MappingSource(name, data) for name, data in own.items() if isinstance(data, Mapping)}

    def source(self, name: str) -> MappingSource:
        """The mapping as plain data; raises `ConfigRefused` with what is wrong in it."""
        if name in builtin() and name not in self.own:
            return builtin()[name]
        self.plan(name)
        return MappingSource(name, self._files[name].data)

    def plan(self, name: str) -> ReadPlan | WritePlan:
        """The compiled mapping; raises `ConfigRefused` with every problem of it."""
        plan, problems = self._compiled(name)
        if plan is None or problems:
            raise ConfigRefused(problems)
        return plan

    def check(self, name: str) -> tuple[Problem, ...]:
        """Every problem and, when there is none, every warning, in the order of the file."""
        plan, problems = self._compiled(name)
        if plan is None or problems:
            return problems
        found = lint(self.source(name), self.library, plan)
        return tuple(sorted(replace(each, severity="warning") for each in self._placed(name, found)))

    def where(self, origin: Origin) -> str:
        """File and line of what a mapping says."""
        file = self._files.get(origin.mapping)
        return f"{file.file}:{file.place(origin.path)[0]}" if file else ""

    def _compiled(self, name: str) -> tuple[ReadPlan | WritePlan | None, tuple[Problem, ...]]:
        file = self._files[name]
        problems = [_problem(file, each.place, each.code, each.text) for each in file.mistakes]
        if not isinstance(file.data, Mapping):
            return None, tuple(problems)
        source = builtin()[name] if name in builtin() and name not in self.own else MappingSource(name, file.data)
        found = compile_mapping(source, self.library)
        if isinstance(found, ReadPlan | WritePlan):
            return found, tuple(problems)
        problems += self._placed(name, found)
        return None, tuple(sorted(problems))

    def _placed(self, name: str, problems: Sequence[MappingProblem]) -> list[Problem]:
        file = self._files[name]
        return [_problem(file, file.place(each.path, at_key=each.at_key), each.code, each.text) for each in problems]


def _problem(file: Source, place: tuple[int, int], code: str, text: str) -> Problem:
    return Problem(file=file.file, line=place[0], column=place[1], code=code, text=text)
