"""Which official rules a document must keep: by BT-24, issue date and the partner's wish; what is lacking holds it."""

from datetime import date

import pytest

from gateway.errors import Permanent
from gateway.finding import Severity
from gateway.official.check import Examination, findings
from gateway.official.job import Answer, Result, pack_answer
from gateway.official.library import Chosen, Library, choose
from tests.official_packs import pack

EN = "urn:cen.eu:en16931:2017"
BIS = f"{EN}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
FRENCH = f"{EN}#compliant#urn.cpro.gouv.fr:1p0:en16931-ctc-fr"
OLD = pack("eu.cen.en16931:ubl:1.3.15", since=date(2025, 11, 15))
NEW = pack("eu.cen.en16931:ubl:1.3.16", since=date(2026, 5, 15))
OVER = pack("nl.example:ubl:1.0", since=date(2025, 1, 1), until=date(2026, 1, 1), profiles=("urn:nl",))
BR_FR = pack("fr.ctc.flux2:ubl:1.4.0", since=date(2026, 9, 1))
LIBRARY = Library(packs=(NEW, OLD, OVER, BR_FR), lacking=())
NOVEMBER = date(2026, 11, 9)


def _chosen(specification: str, *wanted: str, issued: date | None = NOVEMBER) -> Chosen:
    return choose(LIBRARY, wanted or ("auto",), syntax="ubl", specification=specification, issued=issued)


def _ids(chosen: Chosen) -> list[str]:
    return [each.id for each in chosen.packs]


@pytest.mark.parametrize(
    ("issued", "version"),
    [(date(2026, 5, 14), OLD.id), (date(2026, 5, 15), NEW.id), (NOVEMBER, NEW.id), (None, NEW.id)],
)
def test_the_issue_date_chooses_the_version(issued: date | None, version: str) -> None:
    """The version in force on the day of issue is taken, the newest for a document without a date."""
    assert _ids(_chosen(EN, issued=issued)) == [version]


def test_bt_24_chooses_the_families() -> None:
    """A French profile is checked by EN 16931 and by the French rules; the plain one by EN 16931 alone."""
    assert _ids(_chosen(FRENCH)) == [NEW.id, BR_FR.id]
    assert _ids(_chosen(EN)) == [NEW.id]


def test_a_family_that_is_wanted_and_not_there_is_told() -> None:
    """A Peppol invoice needs Peppol's rules: without them it is not enough that EN 16931 is content."""
    chosen = _chosen(BIS)
    assert _ids(chosen) == [NEW.id]
    assert [each.id for each in chosen.lacking] == ["eu.peppol.bis3:ubl"]
    assert "gateway rules import" in chosen.lacking[0].why


@pytest.mark.parametrize("specification", ["", "urn:www.cenbii.eu:transaction:biicoretrdm010:ver1.0"])
def test_a_specification_nobody_knows_lacks_its_rules(specification: str) -> None:
    """A BT-24 that names nothing known is no way around the rules."""
    chosen = _chosen(specification)
    assert chosen.packs == ()
    assert len(chosen.lacking) == 1


def test_a_specification_known_only_as_en_16931_is_noted() -> None:
    """A national specification whose own rules are not known is checked by EN 16931, and that is said."""
    chosen = _chosen(f"{EN}#compliant#urn:fdc:nen.nl:nlcius:v1.0")
    assert _ids(chosen) == [NEW.id]
    assert "nlcius" in chosen.notes[0]


def test_a_version_that_is_over_is_not_used() -> None:
    """When no version holds on the day of issue the rules are lacking."""
    chosen = _chosen("urn:nl", "nl.example:ubl")
    assert chosen.packs == ()
    assert "no version" in chosen.lacking[0].why


def test_a_document_older_than_every_version_is_checked_by_the_first() -> None:
    """There is no rule to check an old document by but the oldest, and that is said."""
    chosen = _chosen(EN, issued=date(2019, 1, 1))
    assert _ids(chosen) == [OLD.id]
    assert "before" in chosen.notes[0]


def test_a_pack_is_taken_by_its_full_name_whatever_the_date() -> None:
    """Who names a version gets that version; `auto` beside it adds what BT-24 asks for."""
    assert _ids(_chosen(EN, OLD.id)) == [OLD.id]
    assert _ids(_chosen(EN, "auto", BR_FR.family)) == [NEW.id, BR_FR.id]
    assert _chosen(BIS, "none") == Chosen()


def test_an_unknown_name_is_lacking() -> None:
    """A name nobody knows holds the document."""
    assert "rules list" in _chosen(EN, "eu.cen.en16931:ubl:9.9").lacking[0].why


def test_what_is_lacking_or_did_not_run_holds_the_document() -> None:
    """Missing rules, a worker that could not be asked, and one that was not asked are as grave as a broken rule."""
    examined = Examination(chosen=_chosen(BIS), job=b"")
    for answer, rules in (
        (None, ["OFFICIAL-PACK-MISSING", "OFFICIAL-NOT-RUN"]),
        (Permanent("it ended 2 worker processes"), ["OFFICIAL-PACK-MISSING", "OFFICIAL-NOT-RUN"]),
        (pack_answer(Answer(failed=(("x", "why"),))), ["OFFICIAL-PACK-MISSING", "OFFICIAL-NOT-RUN"]),
        (pack_answer(Answer(refused=("XML-DOCTYPE", "no", ""))), ["OFFICIAL-PACK-MISSING", "XML-DOCTYPE"]),
    ):
        found = findings(examined, answer)
        assert [each.rule for each in found] == rules
        assert {each.severity for each in found} == {Severity.HOLD}


def test_results_become_findings() -> None:
    """The official id and text are kept word for word; the flag makes the severity, the text and the path the term."""
    examined = Examination(chosen=_chosen(EN), job=b"")

    def result(rule: str, flag: str, text: str, item: int = 0) -> Result:
        return Result(pack=NEW.id, rule=rule, flag=flag, text=text, path="/Invoice", line=7, item=item)

    told = (
        result("BR-CO-10", "fatal", "[BR-CO-10]-Sum of Invoice line net amount (BT-106) = Σ (BT-131)."),
        *(result("BR-24", "fatal", "[BR-24]-Each line shall have a net amount (BT-131).", item) for item in (1, 2, 4)),
        result("UBL-CR-001", "warning", "[UBL-CR-001]-A UBL invoice should not include extensions"),
        result("XSD", "fatal", "Element 'x': This element is not expected."),
    )
    first, lines, warning, schema = findings(examined, pack_answer(Answer(results=told)))
    assert (first.rule, first.severity, first.term, first.output) == (
        "BR-CO-10",
        Severity.HOLD,
        "BT-106",
        "line 7, /Invoice",
    )
    assert first.text == told[0].text
    assert lines.term == "BG-25[1]/BT-131"
    assert lines.text.endswith("(lines 1–2, 4)")
    assert warning.severity is Severity.WARN
    assert (schema.rule, schema.text) == ("OFFICIAL-XSD", f"{NEW.title}: {told[-1].text}")
    assert examined.by == f"{NEW.id} {NEW.sha256[:12]}"
