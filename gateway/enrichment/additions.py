"""Adding values to an invoice: what it has already is kept, and every added value says where it came from."""

from dataclasses import replace

from gateway.enrichment.base import Enriched
from gateway.finding import Finding, Provenance, Severity
from gateway.invoice import Invoice, Line
from gateway.language import say
from gateway.rules.grouped import grouped
from gateway.rules.values import label, name_of, present, shown
from gateway.terms import TERMS, Value, as_text, get, locate, with_value


class Additions:
    """An invoice that step `rule` adds values to."""

    def __init__(self, invoice: Invoice, rule: str) -> None:
        self._invoice = invoice
        self._lines = list(invoice.lines)
        self._rule = rule
        self._provenance: list[Provenance] = []
        self._findings: list[Finding] = []

    def add(self, code: str, value: Value | None, source: str, *, line: int | None = None) -> bool:
        """Give term `code` the `value`, of the line at position `line` or of the invoice, unless it has another one.

        A different value stays and is told by a finding. Returns whether the term now has the value.
        """
        holder = self._holder(line)
        if value is None or as_text(value).strip() == "":
            return False
        before = present(get(holder, code))
        if before is None:
            return self.put(code, value, source, line=line)
        if as_text(before).strip() == as_text(value).strip():
            return True
        text = say(
            "{label} is '{before}', but {source} says '{found}'; the invoice's value is kept",
            label=label(code),
            before=shown(before),
            source=source,
            found=shown(value),
        )
        self.tell(text, Severity.WARN, code=code, line=line, found=shown(before), expected=shown(value))
        return False

    def give(self, code: str, value: Value, source: str, *, line: int | None, overwrite: bool) -> None:
        """As `add`; with `overwrite` a different value is replaced instead of kept."""
        before = as_text(present(get(self._holder(line), code)))
        if overwrite and before and before != as_text(value):
            self.put(code, value, source, line=line)
        else:
            self.add(code, value, source, line=line)

    def put(self, code: str, value: Value, source: str, *, line: int | None = None) -> bool:
        """Give term `code` the `value` whatever it has; returns False, with a finding, when that is impossible."""
        holder = self._holder(line)
        before = get(holder, code)
        try:
            changed = with_value(holder, code, value)
        except ValueError as error:
            text = say(
                "{label} cannot be set to '{found}' from {source}: {error}",
                label=label(code),
                found=shown(value),
                source=source,
                error=error,
            )
            self.tell(text, Severity.HOLD, code=code, line=line, expected=shown(value))
            return False
        if line is None:
            assert isinstance(changed, Invoice)
            self._invoice = changed
        else:
            assert isinstance(changed, Line)
            self._lines[line] = changed
        at = locate(TERMS[code].group, line or 0, code)
        self._provenance.append(
            Provenance(term=at, before=as_text(before), after=as_text(value), rule=self._rule, source=source)
        )
        return True

    def tell(
        self,
        text: str,
        severity: Severity,
        *,
        code: str = "",
        line: int | None = None,
        found: str = "",
        expected: str = "",
        fix: str = "",
        owner: str = "erp",
    ) -> None:
        """Add a finding about term `code` of the line at position `line`, or of the invoice."""
        self._findings.append(
            Finding(
                rule=self._rule,
                severity=severity,
                text=text,
                term=locate("BG-25" if line is not None else "", line or 0, code),
                name=name_of(code) if code else "",
                found=found,
                expected=expected,
                fix=fix,
                owner=owner,
                level="partner",
            )
        )

    def enriched(self) -> Enriched:
        """The invoice with everything that was added."""
        invoice = self._invoice
        if any(new is not old for new, old in zip(self._lines, invoice.lines, strict=True)):
            invoice = replace(invoice, lines=tuple(self._lines))
        return Enriched(invoice=invoice, provenance=tuple(self._provenance), findings=grouped(self._findings))

    def _holder(self, line: int | None) -> Invoice | Line:
        return self._invoice if line is None else self._lines[line]
