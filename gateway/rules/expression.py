"""Reads the expressions of rules and of computed values: a closed language, parsed to a tree and never run as code.

    BT-112 = BT-109 + BT-110 and (BT-9 >= BT-2 or not exists(BT-9))

Terms, numbers, texts in quotes; `+ - * /`, `= != < <= > >=`, `and or not`, `in [...]`, `matches '…'`, brackets, and the
functions of `FUNCTIONS` and `OVER_ITEMS`. Every part has a type that is known before any invoice is seen.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from difflib import get_close_matches
from functools import lru_cache

from gateway.rules.expression_tree import Among, Call, Literal, Matches, Node, Not, Over, Sign, Term, Type
from gateway.rules.patterns import compiled
from gateway.rules.settings import levels, term_of, unreachable
from gateway.terms import GROUPS, TERMS, Kind, parse_decimal

LONGEST = 2000
"""Most characters of an expression."""
MOST_TOKENS = 300
"""Most words and signs: what is joined one after the other nests as deep as it is long."""
DEEPEST = 50
"""Most brackets, functions and signs inside one another."""

N, T, D = Type.NUMBER, Type.TEXT, Type.DATE
FUNCTIONS: Mapping[str, tuple[tuple[tuple[Type, ...], ...], Type]] = {
    "len": (((T,),), N),
    "upper": (((T,),), T),
    "trim": (((T,),), T),
    "year": (((D,),), N),
    "month": (((D,),), N),
    "abs": (((N,),), N),
    "round": (((N,), (N,)), N),
    "today": ((), D),
}
"""Function → the types each argument may have, and the type of its value."""
OVER_ITEMS = ("sum", "count", "exists")

_TOKEN = re.compile(
    r"""\s*(?:(?P<path>(?:B[TG]-[0-9]+(?:-[A-Z0-9]+)?|x:\w+)(?:/(?:B[TG]-[0-9]+(?:-[A-Z0-9]+)?|x:\w+))*)(?!\w)
      | (?P<number>[0-9]+(?:\.[0-9]+)?)
      | (?P<text>'(?:[^']|'')*' | "[^"]*")
      | (?P<word>[A-Za-z_]+)
      | (?P<sign><=|>=|!=|==|[-+*/=<>()\[\],]))""",
    re.VERBOSE,
)


def expression(text: str, each: str | None) -> Node:
    """The tree of an expression that stands at the level `each`; raises `ValueError` saying what is wrong and where."""
    return _expression(text, each)


@lru_cache(maxsize=4096)
def _expression(text: str, each: str | None) -> Node:
    if len(text) > LONGEST:
        raise ValueError(f"the expression has {len(text)} characters; at most {LONGEST} are read")
    return _Parser(text, each).whole()


def truth(text: str, each: str | None) -> Node:
    """As `expression`, for one that is true or false."""
    tree = expression(text, each)
    if tree.type is not Type.TRUTH:
        raise ValueError(f"'{text}' is a {tree.type}; something that is true or false is expected, as BT-9 >= BT-2")
    return tree


class _Parser:
    """Reads from left to right; every step goes forward."""

    def __init__(self, text: str, each: str | None) -> None:
        self._text = text
        self._each = each
        self._tokens: list[tuple[str, str, int]] = []
        self._at = 0
        self._depth = 0
        self._inside: tuple[str, ...] = ()
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                start = position + len(text[position:]) - len(text[position:].lstrip())
                raise ValueError(f"'{text[start : start + 20]}' at character {start + 1} cannot be read")
            self._tokens.append((match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
            position = match.end()
            if len(self._tokens) > MOST_TOKENS:
                raise ValueError(f"the expression has more than {MOST_TOKENS} words and signs")

    def whole(self) -> Node:
        """The tree of the whole text."""
        tree = self._or()
        if self._at < len(self._tokens):
            raise self._unexpected("a sign, 'and', 'or' or the end")
        return tree

    def _or(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ValueError(f"the expression is nested more than {DEEPEST} deep")
        tree = self._and()
        while self._word("or"):
            tree = self._both("or", tree, self._and())
        self._depth -= 1
        return tree

    def _and(self) -> Node:
        tree = self._not()
        while self._word("and"):
            tree = self._both("and", tree, self._not())
        return tree

    def _both(self, sign: str, left: Node, right: Node) -> Node:
        for each in (left, right):
            if each.type is not Type.TRUTH:
                raise ValueError(f"'{sign}' joins things that are true or false, and one of these is a {each.type}")
        return Sign(sign, left, right, Type.TRUTH)

    def _not(self) -> Node:
        negations = 0
        while self._word("not"):
            negations += 1
        tree = self._comparison()
        if negations and tree.type is not Type.TRUTH:
            raise ValueError(f"'not' stands before something that is true or false, not before a {tree.type}")
        return Not(tree) if negations % 2 else tree

    def _comparison(self) -> Node:
        left = self._sum()
        sign = self._sign("=", "==", "!=", "<", "<=", ">", ">=")
        if sign:
            return _compared("=" if sign == "==" else sign, left, self._sum())
        opposite = self._word("not")
        if self._word("in"):
            tree: Node = self._among(left)
        elif self._word("matches"):
            tree = self._matches(left)
        elif opposite:
            raise self._unexpected("'in' or 'matches' after 'not'")
        else:
            return left
        return Not(tree) if opposite else tree

    def _among(self, left: Node) -> Node:
        self._wanted("[")
        values = [_same_type(left, self._sum())]
        while self._sign(","):
            values.append(_same_type(left, self._sum()))
        self._wanted("]")
        return Among(left, tuple(values))

    def _matches(self, left: Node) -> Node:
        if left.type is not Type.TEXT:
            raise ValueError(f"'matches' looks at texts, and a {left.type} stands before it")
        kind, text, _ = self._next()
        if kind != "text":
            raise self._unexpected("a regular expression in quotes")
        self._at += 1
        return Matches(left, compiled(_unquoted(text)).pattern)

    def _sum(self) -> Node:
        tree = self._product()
        while sign := self._sign("+", "-"):
            tree = _added(sign, tree, self._product())
        return tree

    def _product(self) -> Node:
        tree = self._negated()
        while sign := self._sign("*", "/"):
            right = self._negated()
            _numbers(sign, tree, right)
            tree = Sign(sign, tree, right, Type.NUMBER)
        return tree

    def _negated(self) -> Node:
        negations = 0
        while self._sign("-"):
            negations += 1
        tree = self._atom()
        if negations:
            _numbers("-", tree, tree)
        return Sign("-", Literal(parse_decimal("0"), Type.NUMBER), tree, Type.NUMBER) if negations % 2 else tree

    def _atom(self) -> Node:
        kind, text, _ = self._next()
        if kind == "sign" and text == "(":
            self._at += 1
            tree = self._or()
            self._wanted(")")
            return tree
        if kind not in {"number", "text", "path", "word"}:
            raise self._unexpected("a term, a number, a text in quotes or a function")
        self._at += 1
        if kind == "number":
            return Literal(parse_decimal(text), Type.NUMBER)
        if kind == "text":
            return Literal(_unquoted(text), Type.TEXT)
        if kind == "path":
            return self._term(text)
        return self._function(text)

    def _term(self, path: str) -> Node:
        code = path.rpartition("/")[2]
        if code in GROUPS:
            raise ValueError(f"{path} is a group, not a value; write exists({path}) or count({path})")
        term = term_of(code)
        reached = (*levels(self._each), *self._inside)
        if term.group and term.group not in reached:
            if self._each is None and not self._inside:
                raise ValueError(f"{unreachable(code, term.group, None)}, or a function as sum({path})")
            raise unreachable(code, term.group, self._inside[-1] if self._inside else self._each)
        return Term(code, type_of(term.kind))

    def _function(self, name: str) -> Node:
        if name not in FUNCTIONS and name not in OVER_ITEMS:
            near = get_close_matches(name.lower(), (*FUNCTIONS, *OVER_ITEMS), n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join((*FUNCTIONS, *OVER_ITEMS))}"
            raise ValueError(f"there is no function '{name}'{hint}")
        self._wanted("(")
        if name in OVER_ITEMS:
            return self._over(name)
        types, result = FUNCTIONS[name]
        arguments: list[Node] = []
        for number, allowed in enumerate(types):
            if number:
                self._wanted(",")
            argument = self._or()
            if argument.type not in allowed:
                raise ValueError(f"{name}() takes a {' or '.join(allowed)}, not a {argument.type}")
            arguments.append(argument)
        self._wanted(")")
        if name == "round":
            places = arguments[1]
            if not isinstance(places, Literal) or places.value not in range(21):
                raise ValueError("round() takes the number of decimals from 0 to 20 as its second value")
        return Call(name, tuple(arguments), result)

    def _over(self, name: str) -> Node:
        """`exists(TERM)`, `count(GROUP)`, `sum(BG-25/BT-131)`, `sum(BG-25, BT-129 * BT-146)`."""
        if self._inside:
            raise ValueError(f"{name}() cannot stand inside another function over items")
        kind, path, _ = self._next()
        if kind != "path":
            raise self._unexpected(f"a term or a group in {name}()")
        self._at += 1
        code = path.rpartition("/")[2]
        groups = self._down_to(code if code in GROUPS else term_of(code).group, path)
        self._inside = groups
        of: Node | None = None
        if name == "exists" and code in TERMS and TERMS[code].kind is Kind.BINARY:
            of = Term(code, Type.TEXT)
        elif code not in GROUPS:
            of = self._term(code)
        elif self._sign(","):
            of = self._or()
        self._inside = ()
        self._wanted(")")
        if name == "sum" and (of is None or of.type is not Type.NUMBER):
            raise ValueError("sum() adds numbers: write sum(BG-25/BT-131) or sum(BG-25, BT-129 * BT-146)")
        return Over(name, groups, of, Type.TRUTH if name == "exists" else Type.NUMBER)

    def _down_to(self, group: str, path: str) -> tuple[str, ...]:
        """The groups from the rule's level down to `group`, the way that `path` writes."""
        here, way = levels(self._each), levels(group or None)
        written = tuple(step for step in path.split("/") if step in GROUPS)
        if written and written != way[len(way) - len(written) :]:
            raise ValueError(f"'{path}' is no way through the invoice; it would be {'/'.join(way)}")
        if way[: len(here)] == here:
            return way[len(here) :]
        if here[: len(way)] == way:
            return ()
        # items beside or above the rule's level: each line would go through all lines again
        raise ValueError(f"{path} does not lie below {self._each}, which the rule goes through")

    def _next(self) -> tuple[str, str, int]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "", len(self._text))

    def _sign(self, *signs: str) -> str:
        kind, text, _ = self._next()
        if kind != "sign" or text not in signs:
            return ""
        self._at += 1
        return text

    def _word(self, word: str) -> bool:
        kind, text, _ = self._next()
        if kind != "word" or text != word:
            return False
        self._at += 1
        return True

    def _wanted(self, sign: str) -> None:
        if not self._sign(sign):
            raise self._unexpected(f"'{sign}'")

    def _unexpected(self, wanted: str) -> ValueError:
        kind, text, at = self._next()
        found = "the expression ends" if kind == "end" else f"'{text[:20]}' stands at character {at + 1}"
        return ValueError(f"{found}; {wanted} is expected")


def type_of(kind: Kind) -> Type:
    """What a term of a kind gives; raises `ValueError` for bytes, which nothing can be computed with."""
    if kind is Kind.BINARY:
        raise ValueError("a term that holds bytes has no value to compute with; ask exists() for it")
    return Type.NUMBER if kind.is_number else Type.DATE if kind is Kind.DATE else Type.TEXT


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'") if text[0] == "'" else text[1:-1]


def _numbers(sign: str, *nodes: Node) -> None:
    for each in nodes:
        if each.type is not Type.NUMBER:
            raise ValueError(f"'{sign}' computes with numbers, and one of these is a {each.type}")


def _added(sign: str, left: Node, right: Node) -> Node:
    """Numbers; a date and days; the days between two dates; two texts, one after the other."""
    if left.type is Type.DATE and right.type is Type.NUMBER:
        return Sign(sign, left, right, Type.DATE)
    if sign == "+" and left.type is right.type is Type.TEXT:
        return Sign(sign, left, right, Type.TEXT)
    if sign == "-" and left.type is Type.DATE and right.type is Type.DATE:
        return Sign(sign, left, right, Type.NUMBER)
    _numbers(sign, left, right)
    return Sign(sign, left, right, Type.NUMBER)


def _compared(sign: str, left: Node, right: Node) -> Node:
    right = _same_type(left, right)
    left = _same_type(right, left)
    if sign not in {"=", "!="} and left.type in {Type.TEXT, Type.TRUTH}:
        raise ValueError(f"a {left.type} is compared with = and != only")
    return Sign(sign, left, right, Type.TRUTH)


def _same_type(left: Node, right: Node) -> Node:
    """`right`, when it can be compared with `left`; a text or number as it stands becomes what `left` is."""
    if isinstance(right, Literal) and right.type is not left.type and not isinstance(left, Literal):
        read: Mapping[Type, Callable[[str], object]] = {Type.DATE: date.fromisoformat, Type.TEXT: str}
        if left.type in read and (left.type is Type.TEXT or right.type is Type.TEXT):
            try:
                value = read[left.type](f"{right.value:f}" if right.type is Type.NUMBER else str(right.value))
            except ValueError:
                raise ValueError(f"'{right.value}' is not a calendar date (YYYY-MM-DD)") from None
            assert isinstance(value, (str, date))
            return Literal(value, left.type)
    if right.type is not left.type and not isinstance(left, Literal):
        raise ValueError(f"a {left.type} cannot be compared with a {right.type}")
    return right
