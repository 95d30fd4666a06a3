"""What a partner requires; `RULES` is the list."""

from gateway.rules import (
    checkdigit,
    compare,
    count,
    credit,
    date_window,
    expr,
    forbid,
    in_values,
    matches,
    order_match,
    python,
    require,
    sums,
    unique,
)
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
    "order_match": RuleKind(settings=order_match.OrderMatch, check=order_match.check, shares=order_match.shares),
    "credit": RuleKind(settings=credit.Credit, check=credit.check, shares=credit.shares),
    "expr": RuleKind(settings=expr.Expr, check=expr.check),
    "python": RuleKind(settings=python.Python, check=python.check),
}
