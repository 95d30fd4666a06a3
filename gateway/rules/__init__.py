"""What a partner requires; `RULES` is the list."""

from gateway.rules import checkdigit, compare, count, date_window, forbid, in_values, matches, require, sums, unique
from gateway.rules.base import RuleKind

RULES: dict[str, RuleKind] = {
    "require": RuleKind(settings=require.Require, check=require.check),
    "forbid": RuleKind(settings=forbid.Forbid, check=forbid.check),
    "matches": RuleKind(settings=matches.Matches, check=matches.check),
    "in": RuleKind(settings=in_values.In, check=in_values.check),
    "checkdigit": RuleKind(settings=checkdigit.CheckDigit, check=checkdigit.check),
    "compare": RuleKind(settings=compare.Compare, check=compare.check),
    "sum": RuleKind(settings=sums.Sum, check=sums.check),
    "date_window": RuleKind(settings=date_window.DateWindow, check=date_window.check),
    "unique": RuleKind(settings=unique.Unique, check=unique.check, keys=unique.keys),
    "count": RuleKind(settings=count.Count, check=count.check),
}
