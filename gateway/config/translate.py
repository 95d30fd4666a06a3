"""What pydantic found becomes problems: at the right line and column, in plain words."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.config.catalogue import Catalogue
from gateway.config.models import keys_of, kind_in, kinds_of, step_into, unwrapped
from gateway.config.problems import Problems, did_you_mean, nearest, shown
from gateway.config.source import Place, Source, Steps
from gateway.config.types import SecretInClear, SecretUnnamed

_NUMBERS = {"int_parsing": "a whole number", "int_type": "a whole number", "int_from_float": "a whole number"}
_EXPECTED = {
    **_NUMBERS,
    "float_parsing": "a number",
    "float_type": "a number",
    "decimal_parsing": "a decimal number",
    "decimal_type": "a decimal number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "date_parsing": "a calendar date (YYYY-MM-DD)",
    "date_from_datetime_parsing": "a calendar date (YYYY-MM-DD)",
    "date_from_datetime_inexact": "a calendar date (YYYY-MM-DD)",
    "date_type": "a calendar date (YYYY-MM-DD)",
    "datetime_parsing": "a date and time (ISO 8601)",
    "datetime_from_date_parsing": "a date and time (ISO 8601)",
    "string_type": "text",
    "path_type": "a path",
    "time_delta_type": "a duration, a number and ms, s, m, h, d or w, as in '15m'",
    "time_delta_parsing": "a duration, a number and ms, s, m, h, d or w, as in '15m'",
}
_SHAPES = {
    "dict_type": "a mapping (key: value)",
    "mapping_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
    "tuple_type": "a list",
    "list_type": "a list",
}
_RANGES = {
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} character(s)",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} item(s)",
    "too_long": "must have at most {max_length} items",
    "string_pattern_mismatch": "must match the pattern {pattern}",
}


def translate(
    error: ValidationError, source: Source, problems: Problems, *, model: Any, catalogue: Catalogue, base: Steps = ()
) -> None:
    """Add a problem for everything in `error`; `base` leads to the part of the file that was validated as `model`."""
    data = source.data
    for step in base:
        data = data[step]
    details = [
        _Detail(detail, data, model, catalogue) for detail in error.errors(include_url=False, include_input=True)
    ]
    misspelt = {(each.path[:-1], nearest(each.last, each.keys())) for each in details if each.kind == "extra_forbidden"}
    told: set[tuple[Place, str]] = set()  # what an alias repeats is told once
    for each in details:
        if (each.kind != "missing" or (each.path, each.last) not in misspelt) and not each.follows():
            each.add(problems, source, base, told)


class _Detail:
    """One thing pydantic found, walked to through the data: union tags and positions that were not written drop out."""

    def __init__(self, detail: ErrorDetails, data: Any, model: Any, catalogue: Catalogue) -> None:
        self.kind = detail["type"]
        self.context: Mapping[str, Any] = detail.get("ctx", {})
        self.said = detail["msg"]
        self.found = detail["input"]
        self.at_key = False
        steps = list(detail["loc"])
        self.last = str(steps[-1]) if steps else ""
        path: list[str | int] = []
        annotation: Any = model
        self.above: tuple[Any, Any] = (model, data)
        tagged = False  # the tag of this value has been passed
        for index, step in enumerate(steps):
            is_tag = not tagged and isinstance(data, Mapping) and len(kinds_of(unwrapped(annotation))) > 1
            if step == "[key]":
                self.at_key = True
                break
            if is_tag and step == kind_in(data):
                tagged = True
                continue
            if not _holds(data, step):
                if index == len(steps) - 1 and self.kind == "missing":
                    break
                continue
            holder, annotation = annotation, step_into(annotation, step, data, catalogue)
            above, data, tagged = data, data[step], False
            path.append(step)
            self.above = (holder, above)
        self.path = tuple(path)

    def follows(self) -> bool:
        """True for a list called too short because items of it are wrong."""
        return self.kind == "too_short" and len(self.found) >= self.context["min_length"]

    def keys(self) -> tuple[str, ...]:
        """The keys that the mapping around this value may have."""
        return keys_of(*self.above)

    def add(self, problems: Problems, source: Source, base: Steps, told: set[tuple[Place, str]]) -> None:
        """Add it to `problems` in plain words."""
        code, text, at_key, path = self._words(in_toml=source.file.endswith(".toml"))
        once = source.place((*base, *path), at_key=at_key), text
        if once in told:
            return
        told.add(once)
        name = ".".join(str(step) for step in (*base, *path))
        tell = problems.refer if self.kind == "value_error" else problems.add  # a kind may check terms once more
        tell(source, (*base, *path), code, f"{name}: {text}" if name else text, at_key=at_key)

    def _words(self, *, in_toml: bool) -> tuple[str, str, bool, Steps]:
        path = self.path
        if self.kind == "extra_forbidden":
            return "E100", f"unknown key {shown(self.last)}{did_you_mean(self.last, self.keys())}", True, path
        if self.kind == "missing":
            return "E101", f"the key '{self.last}' is missing", True, path
        if self.kind == "union_tag_not_found":
            return "E101", "the key 'kind' is missing", True, path
        if self.kind == "union_tag_invalid":
            return self._kind_words(str(self.context["tag"]), _quoted(str(self.context["expected_tags"])))
        if self.kind in {"literal_error", "enum"}:
            known = _quoted(str(self.context["expected"]))
            if path[-1:] == ("kind",):
                self.path = path[:-1]
                return self._kind_words(str(self.found), known)
            what = "unknown key" if self.at_key else "unknown value"
            found = path[-1] if self.at_key else self.found
            return "E103", f"{what} {shown(found)}{did_you_mean(str(found), known)}", self.at_key, path
        if isinstance(self.context.get("error"), SecretInClear):
            return "E300", str(self.context["error"]), False, path
        if isinstance(self.context.get("error"), SecretUnnamed):
            return "E303", str(self.context["error"]), False, path
        if self.found is None and (self.kind in _EXPECTED or self.kind in _SHAPES):
            return "E102", "a value is missing; write one or remove the key", False, path
        if self.kind in _SHAPES:
            return "E106", f"{shown(self.found)} stands here; {_SHAPES[self.kind]} is expected", False, path
        if self.kind in _EXPECTED:
            if isinstance(self.found, (Mapping, list, tuple)):
                return "E106", f"{shown(self.found)} stands here; {_EXPECTED[self.kind]} is expected", False, path
            hint = "; write it in quotes" if in_toml and self.kind == "string_type" else ""
            return "E102", f"{shown(self.found)} is not {_EXPECTED[self.kind]}{hint}", self.at_key, path
        if self.kind in _RANGES:
            limit = _RANGES[self.kind].format_map(self.context)
            return "E105", f"{shown(self.found)} {limit}", self.at_key, path
        said = str(self.context["error"]) if "error" in self.context else self.said
        return "E102", said, self.at_key, path

    def _kind_words(self, found: str, known: Sequence[str]) -> tuple[str, str, bool, Steps]:
        return "E104", f"unknown kind {shown(found)}{did_you_mean(found, known)}", False, (*self.path, "kind")


def _holds(data: Any, step: str | int) -> bool:
    if isinstance(data, Mapping):
        return step in data
    return isinstance(data, list) and isinstance(step, int) and step < len(data)


def _quoted(text: str) -> tuple[str, ...]:
    """The values of pydantic's "'a', 'b' or 'c'"."""
    return tuple(text.split("'")[1::2])
