"""An expression becomes a chain of closures: names are resolved, arguments checked and types joined, once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from gateway.config.problems import did_you_mean
from gateway.mapping.conversions import Pattern, number_reader
from gateway.mapping.expression import Argument, Call, Expression, Unreadable, parse
from gateway.mapping.functions import KEEP, Datum, Function, Getter, Step, Type, functions
from gateway.terms import as_text, parse_decimal


class Resolve(Protocol):
    """Finds what a name stands for."""

    def __call__(self, name: str, *, many: bool) -> tuple[Getter, Type]:
        """A getter of the value (with `many`, of all values) and its type; raises `Mistake`."""


class Mistake(ValueError):
    """What is wrong with a name, by its problem code."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """What an expression is compiled against. `number` and `date` read texts by the mapping's conventions."""

    direction: Literal["read", "write"]
    resolve: Resolve
    lookups: Mapping[str, Mapping[str, str]]
    number: Callable[[str], Datum] = parse_decimal
    date: Callable[[str], Datum] = Pattern("%Y-%m-%d").parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A compiled expression: `get` takes the value out of what is mapped and raises `ValueError` when it cannot.

    `names` are the columns or terms it reads; `pieces` is set when it ends with chunks(…): how many components it fills
    and how long each may be. `literal` is true for a text that depends on nothing.
    """

    get: Callable[[Any], Any]
    type: Type
    names: tuple[str, ...] = ()
    pieces: tuple[int, int] | None = None

    @property
    def literal(self) -> bool:
        """True when it reads no column or term."""
        return not self.names


def compile_expression(
    text: str, language: Language, *, want: Type | None, report: Callable[[str, str], None]
) -> Pipeline | None:
    """The compiled expression whose value has the type `want` (None: whatever it has).

    Tells `report` (code, text) every problem and then gives None.
    """
    try:
        expression = parse(text)
    except Unreadable as error:
        report("M121", str(error))
        return None
    return _Compiler(language, report).compile(expression, want)


class _Compiler:
    def __init__(self, language: Language, report: Callable[[str, str], None]) -> None:
        self._language = language
        self._functions = functions(language.direction)
        self._report = report
        self._wrong = False
        self._names: list[str] = []
        self._pieces: tuple[int, int] | None = None

    def compile(self, expression: Expression, want: Type | None) -> Pipeline | None:
        many = bool(expression.calls) and self._takes_list(expression.calls[0])
        source, type_ = self._source(expression.source, many=many)
        steps: list[Step] = []
        for position, call in enumerate(expression.calls):
            type_ = self._call(call, position, type_, steps)
            if self._pieces is not None and position + 1 < len(expression.calls):
                self._mistake("M125", "chunks can only be the last function")
        if want is not None and self._pieces is None:
            self._convert(type_, want, steps, "the value")
            type_ = want
        if self._wrong or source is None:
            return None
        return Pipeline(get=_chain(source, steps), type=type_, names=tuple(self._names), pieces=self._pieces)

    def _takes_list(self, call: Call) -> bool:
        return call.name in self._functions and self._functions[call.name].takes == "list"

    def _source(self, source: Argument, *, many: bool) -> tuple[Getter | None, Type]:
        if source.kind == "name":
            return self._resolve(source.text, many=many)
        text = source.text
        if many:
            self._mistake("M125", "first and join take the values of a column or term, not a text")
        return lambda _: text or None, "text"

    def _resolve(self, name: str, *, many: bool = False) -> tuple[Getter | None, Type]:
        try:
            getter, type_ = self._language.resolve(name, many=many)
        except Mistake as error:
            self._mistake(error.code, str(error))
            return None, "text"
        self._names.append(name)
        return getter, type_

    def _call(self, call: Call, position: int, type_: Type, steps: list[Step]) -> Type:
        function = self._functions.get(call.name)
        if function is None:
            self._mistake("M122", f"there is no function '{call.name}'{did_you_mean(call.name, self._functions)}")
            return type_
        if function.takes == "list":
            if position:
                self._mistake("M125", f"{call.name} can only be the first function, right after a column or term")
        elif function.takes != "any":
            self._convert(type_, function.takes, steps, call.name)
            type_ = function.takes
        before = len(self._names)
        arguments = self._arguments(function, call, type_)
        if function.name == "when":
            # a condition decides whether a value stands; the value itself does not come from there
            del self._names[before:]
        if arguments is not None:
            steps.append(function.make(arguments))
            if function.gives == "list":
                self._pieces = (arguments[1] if len(arguments) > 1 else 1, arguments[0])
        if function.gives in {"same", "list"}:
            return type_
        return function.gives  # type: ignore[return-value]  # "same" and "list" have just been answered

    def _arguments(self, function: Function, call: Call, type_: Type) -> Sequence[Any] | None:
        parameters = function.parameters
        least = sum(1 for each in parameters if not each.endswith("?"))
        endless = bool(parameters) and parameters[-1].endswith("+")
        given = len(call.arguments)
        if given < least or (given > len(parameters) and not endless):
            most = "or more" if endless else f"to {len(parameters)}" if least != len(parameters) else ""
            self._mistake("M123", f"{call.name} takes {f'{least} {most}'.strip()} arguments, not {given}")
            return None
        bound = []
        for position, argument in enumerate(call.arguments):
            kind = parameters[min(position, len(parameters) - 1)].rstrip("?+")
            try:
                bound.append(self._argument(kind, argument, type_))
            except ValueError as error:
                self._mistake("M124" if kind == "table" else "M123", f"{call.name}: {error}")
        return bound if not self._wrong else None

    def _argument(self, kind: str, argument: Argument, type_: Type) -> Any:
        text = argument.text
        match kind:
            case "count" | "places":
                least, most = (1, 1000) if kind == "count" else (0, 10)
                if argument.kind != "number" or len(text) > 4 or not least <= int(text) <= most:
                    raise ValueError(f"'{text[:40]}' is not a whole number from {least} to {most}")
                return int(text)
            case "table":
                if text not in self._language.lookups:
                    raise ValueError(f"there is no lookup table '{text}'{did_you_mean(text, self._language.lookups)}")
                return text, self._language.lookups[text]
            case "otherwise" if argument == Argument("name", "keep"):
                return KEEP
            case "term":
                return self._text_getter(argument)
            case "value":
                return self._value(argument, type_)
            case _:
                pass
        if argument.kind != "text":
            raise ValueError(f"'{text[:40]}' must stand in quotes")
        return _checked(kind, text)

    def _text_getter(self, argument: Argument) -> Getter:
        if argument.kind != "name":
            raise ValueError(f"'{argument.text[:40]}' is not the name of a column or term")
        getter, _ = self._resolve(argument.text)
        return lambda scope: as_text(getter(scope)) if getter is not None else None

    def _value(self, argument: Argument, type_: Type) -> Getter:
        """A text, column or term as an argument that has the type of the value it stands beside."""
        if argument.kind == "name":
            getter, have = self._resolve(argument.text)
            steps: list[Step] = []
            self._convert(have, type_, steps, argument.text)
            return _chain(getter, steps) if getter is not None else lambda _: None
        value: Datum = argument.text
        if type_ == "number":
            value = parse_decimal(argument.text)
        elif type_ == "date":
            value = Pattern("%Y-%m-%d").parse(argument.text)
        return lambda _: value

    def _convert(self, have: Type, want: Type, steps: list[Step], who: str) -> None:
        if have == want:
            return
        match have, want:
            case "text", "number":
                steps.append(_reading(self._language.number))
            case "text", "date":
                steps.append(_reading(self._language.date))
            case "date", "text" if self._language.direction == "write":
                self._mistake("M113", f"{who} needs a text and this is a date; write | date('%Y%m%d') before it")
            case (("number" | "date"), "text"):
                steps.append(lambda value, _: None if value is None else as_text(value))
            case _:
                self._mistake("M125", f"{who} needs a {want} and this is a {have}")

    def _mistake(self, code: str, text: str) -> None:
        self._wrong = True
        self._report(code, text)


def _checked(kind: str, text: str) -> Any:
    if kind in {"pattern", "day"}:
        pattern = Pattern(text)
        if kind == "day" and pattern.has_time:
            raise ValueError(f"'{text}' has a time; dates here have none")
        return pattern
    if kind == "sign" and len(text) != 1:
        raise ValueError(f"'{text[:40]}' must be a single character")
    if kind in {"text", "otherwise"} and not text:
        raise ValueError("the text is empty")
    return text


def _reading(read: Callable[[str], Datum]) -> Step:
    return lambda value, _: None if value is None else read(value)


def _chain(source: Getter, steps: Sequence[Step]) -> Callable[[Any], Any]:
    if not steps:
        return source
    if len(steps) == 1:
        only = steps[0]
        return lambda scope: only(source(scope), scope)
    fixed = tuple(steps)

    def get(scope: Any) -> Any:
        value = source(scope)
        for step in fixed:
            value = step(value, scope)
        return value

    return get


def conventions(decimal: str, group: str, date: str) -> tuple[Callable[[str], Datum], Callable[[str], Datum]]:
    """How a mapping's own numbers and dates are read; raises `ValueError` for a date pattern that is none."""
    return number_reader(decimal, group), Pattern(date).parse
