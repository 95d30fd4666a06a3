"""Regular expressions of configuration files: only those whose worst case is bounded are taken.

Python's `re` backtracks and cannot be interrupted, so a pattern such as `(a+)+` could keep a node busy for years. Here
the number of ways in which a pattern can be tried against a value is estimated from above: a repetition multiplies by
its span (an unbounded one by the longest value), a repeated group by the ways of its inside to the power of its
repetitions, alternatives add up. Patterns over the limit are refused with the configuration.
"""

import re
import warnings
from functools import cache

LONGEST_VALUE = 1000
LONGEST_PATTERN = 500
MOST_WAYS = 2_000_000
_OVER = MOST_WAYS + 1

_TOKEN = re.compile(
    r"""(?P<open>\((?:\?(?:P<\w+>|[:=!]|<[=!]|i:))?)   # groups, look-arounds, (?i:…)
      | (?P<close>\))
      | (?P<or>\|)
      | (?P<repeat>[*+?]|\{(?=[\d,])(?P<least>\d*)(?P<comma>,)?(?P<most>\d*)\})(?P<lazy>[?+]?)
      | \\. | \[\^?\]?(?:\\.|[^\]\\])*\] | .""",
    re.VERBOSE | re.DOTALL,
)


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """`pattern` ready for use; raises `ValueError` saying what is wrong with it."""
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"the pattern has {len(pattern)} characters; at most {LONGEST_PATTERN} are taken")
    try:
        with warnings.catch_warnings(
            action="ignore", category=FutureWarning
        ):  # of what Python may read otherwise one day
            expression = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"'{pattern}' is not a regular expression: {error}") from None
    unknown = re.search(r"(?<!\\)(?:\\\\)*\(\?(?!P<|[:=!]|<[=!]|i:)", pattern)
    if unknown:
        raise ValueError(
            f"the group at character {unknown.end() - 1} of '{pattern}' is of a kind that is not taken;"
            " write (…), (?:…), (?P<name>…), (?i:…) or a look-around"
        )
    if _Ways(pattern).of_choice() > MOST_WAYS:
        raise ValueError(
            f"'{pattern}' can be tried against a value in more than {MOST_WAYS:,} ways and could run for hours;"
            " do not repeat what repeats already, as in (a+)+, and write bounds as in {1,20} in place of * and +"
        )
    return expression


class _Ways:
    """Counts, from above and up to the limit, the ways to try a pattern: one descent over its tokens."""

    def __init__(self, pattern: str) -> None:
        self._tokens = list(_TOKEN.finditer(pattern))
        self._next = 0

    def of_choice(self) -> int:
        """The ways of alternatives up to the end of the group or pattern."""
        ways = self._of_sequence()
        while self._next < len(self._tokens) and self._tokens[self._next]["or"]:
            self._next += 1
            ways += self._of_sequence()
        return min(ways, _OVER)

    def _of_sequence(self) -> int:
        ways = 1
        while self._next < len(self._tokens):
            token = self._tokens[self._next]
            if token["or"] or token["close"]:
                break
            self._next += 1
            inside = 1
            if token["open"]:
                inside = self.of_choice()
                self._next += 1
            ways = min(ways * self._repeated(inside), _OVER)
        return ways

    def _repeated(self, inside: int) -> int:
        if self._next >= len(self._tokens) or not self._tokens[self._next]["repeat"]:
            return inside
        token = self._tokens[self._next]
        self._next += 1
        least, most = _bounds(token)
        span = most - least + 1
        # 2 ** 21 is over the limit already, so larger powers need not be computed
        return min(span * inside ** min(most, 21), _OVER) if inside > 1 else span


def _bounds(token: re.Match[str]) -> tuple[int, int]:
    sign = token["repeat"]
    if sign in "*+?":
        return (1 if sign == "+" else 0), (1 if sign == "?" else LONGEST_VALUE)
    least = min(int(token["least"] or 0), LONGEST_VALUE)
    if not token["comma"]:
        return least, least
    return least, max(least, min(int(token["most"] or LONGEST_VALUE), LONGEST_VALUE))
