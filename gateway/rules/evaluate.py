"""The value of an expression for an invoice.

What is absent makes what is computed from it absent, and what is compared with it neither true nor false; `and` and
`or` need only the side that settles the matter. So a rule over values that are not there finds nothing.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal, DecimalException, DivisionByZero, localcontext

from gateway.language import say
from gateway.rules.base import Subject
from gateway.rules.expression_tree import Among, Call, Literal, Matches, Node, Not, Over, Sign, Term
from gateway.rules.patterns import LONGEST_VALUE, compiled
from gateway.rules.values import items_of, value
from gateway.terms import as_text

PRECISION = 120
"""Digits that are computed with: products of two numbers of 40 digits are exact."""

Found = Decimal | str | date | bool | None


class Incomputable(Exception):
    """An expression has no value for this invoice, though all that it needs is there; the text says why."""


def evaluate(tree: Node, subject: Subject) -> Found:
    """The value of `tree` seen from `subject`, None when something it needs is absent; raises `Incomputable`."""
    with localcontext() as context:
        context.prec = PRECISION
        try:
            return _value(tree, subject)
        except DivisionByZero:
            raise Incomputable(say("it divides by zero")) from None
        except (DecimalException, OverflowError):
            raise Incomputable(say("a number has too many digits")) from None


def _value(node: Node, subject: Subject) -> Found:
    match node:
        case Literal(fixed):
            return fixed
        case Term(code):
            found = value(subject, code)
            return found if isinstance(found, (Decimal, date)) or found is None else as_text(found)
        case Sign("and" | "or"):
            return _joined(node, subject)
        case Sign():
            return _signed(node, subject)
        case Not(of):
            truth = _value(of, subject)
            return None if truth is None else not truth
        case Among(of, values):
            return _among(_value(of, subject), [_value(each, subject) for each in values])
        case Matches(of, pattern):
            return _matches(_value(of, subject), pattern)
        case Call():
            return _called(node, subject)
        case Over():
            return _over(node, subject)


def _joined(node: Sign, subject: Subject) -> Found:
    settles = node.sign == "or"
    left = _value(node.left, subject)
    if left is settles:
        return settles
    right = _value(node.right, subject)
    if right is settles:
        return settles
    return None if left is None or right is None else not settles


def _signed(node: Sign, subject: Subject) -> Found:
    left, right = _value(node.left, subject), _value(node.right, subject)
    if left is None or right is None:
        return None
    if node.sign in {"=", "!="}:
        return (left == right) is (node.sign == "=")
    if isinstance(left, date):
        return _of_dates(node.sign, left, right)
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    assert isinstance(left, Decimal)
    assert isinstance(right, Decimal)
    return _of_numbers(node.sign, left, right)


def _of_dates(sign: str, left: date, right: Found) -> Found:
    if isinstance(right, date):
        days = Decimal((left - right).days)
        return days if sign == "-" else _of_numbers(sign, days, Decimal(0))
    assert isinstance(right, Decimal)
    if abs(right) > timedelta.max.days:
        raise OverflowError
    return left + timedelta(days=int(right)) if sign == "+" else left - timedelta(days=int(right))


def _of_numbers(sign: str, left: Decimal, right: Decimal) -> Found:  # one line a sign
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            if right == 0:
                raise DivisionByZero
            return left / right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left >= right


def _among(found: Found, values: list[Found]) -> Found:
    if found is None:
        return None
    if found in [each for each in values if each is not None]:
        return True
    return None if None in values else False


def _matches(found: Found, pattern: str) -> Found:
    if found is None:
        return None
    text = str(found)
    if len(text) > LONGEST_VALUE:
        raise Incomputable(
            say(
                "a text has {length} characters; at most {most} can be searched",
                length=len(text),
                most=LONGEST_VALUE,
            )
        )
    return compiled(pattern).fullmatch(text) is not None


def _called(node: Call, subject: Subject) -> Found:  # one line a function
    if node.name == "today":
        return subject.facts.today
    found = _value(node.arguments[0], subject)
    match node.name, found:
        case "len", str(text):
            return Decimal(len(text))
        case "upper", str(text):
            return text.upper()
        case "trim", str(text):
            return text.strip()
        case "year", date() as day:
            return Decimal(day.year)
        case "month", date() as day:
            return Decimal(day.month)
        case "abs", Decimal() as number:
            return abs(number)
        case "round", Decimal() as number:
            places = node.arguments[1]
            assert isinstance(places, Literal)
            assert isinstance(places.value, Decimal)
            return _rounded(number, int(places.value))
        case _:
            return None


def _rounded(number: Decimal, places: int) -> Decimal:
    """Half away from zero, as invoices are rounded."""
    return number.quantize(Decimal(1).scaleb(-places), rounding="ROUND_HALF_UP")


def _over(node: Over, subject: Subject) -> Found:
    if node.name == "exists":
        return any(node.of is None or _value(node.of, item) not in (None, False) for item in _items(node, subject))
    if node.of is None:
        return Decimal(sum(1 for _ in _items(node, subject)))
    found = [_value(node.of, item) for item in _items(node, subject)]
    if node.name == "count":
        return Decimal(sum(each not in (None, False) for each in found))
    total = Decimal(0)
    for each in found:
        if isinstance(each, Decimal):
            total += each
    return total


def _items(node: Over, subject: Subject) -> Iterator[Subject]:
    subjects = [subject]
    for group in node.groups:
        subjects = [inner for each in subjects for inner in _inside(each, group)]
    return iter(subjects)


def _inside(subject: Subject, group: str) -> Iterator[Subject]:
    for number, item in enumerate(items_of(subject, group), 1):
        at = f"{subject.at}/{group}[{number}]".removeprefix("/")
        yield Subject(invoice=subject.invoice, holder=item, at=at, facts=subject.facts)
