"""Envelopes of EDIFACT: what is taken, what is refused, and that every interchange of a file is seen."""

import csv
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refused
from gateway.formats.edifact.interchange import Interchange, Message, read_interchanges, recognise
from gateway.invoice import Identifier

UNB = "UNB+UNOC:3+301:14+302:14+261103:0930+REF1++INVOIC++1++1'"
BODY = "BGM+380+1'FTX+AAI+++Don à l?'UNAPEI'"
MESSAGE = f"UNH+1+INVOIC:D:96A:UN:EAN008'{BODY}UNT+4+1'"
UNZ = "UNZ+1+REF1'"
GOOD = UNB + MESSAGE + UNZ


def outcomes(text: str | bytes, *, strict: bool = True, most: int = 100) -> list[Interchange | Refused]:
    """Every interchange or refusal."""
    data = text.encode("latin-1") if isinstance(text, str) else text
    return list(read_interchanges(data, strict=strict, max_messages=most))


def one(text: str | bytes, *, strict: bool = True) -> Interchange:
    """The interchange when there is one and it is good."""
    [found] = outcomes(text, strict=strict)
    assert isinstance(found, Interchange), found
    return found


def refusal(text: str, *, strict: bool = True, most: int = 100) -> Refused:
    """The refusal of the first interchange."""
    found = outcomes(text, strict=strict, most=most)[0]
    assert isinstance(found, Refused), found
    return found


def test_header_and_messages_are_read() -> None:
    """Everything UNB and UNH say is there."""
    found = one("UNA:+.? '\r\n" + GOOD)
    assert (found.syntax, found.version, found.reference, found.application_reference) == (
        "UNOC",
        "3",
        "REF1",
        "INVOIC",
    )
    assert (found.sender, found.recipient) == (Identifier("301", "14"), Identifier("302", "14"))
    assert (found.date, found.time, found.test, found.count) == ("261103", "0930", True, 1)
    [message] = found.messages()
    assert isinstance(message, Message)
    assert message.type == ("INVOIC", "D", "96A", "UN", "EAN008")
    assert [each.tag for each in message.segments] == ["UNH", "BGM", "FTX", "UNT"]
    assert message.segments[2].get(3) == "Don à l'UNAPEI"
    assert message.segments[2].number == 4


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (GOOD.replace("UNT+4", "UNT+5"), "EDI-COUNT", "UNT says 5 segments, there are 4"),
        (GOOD.replace("UNT+4+1", "UNT+4+2"), "EDI-REFERENCE", "UNH has the reference 1, UNT 2"),
        (GOOD.replace("UNZ+1", "UNZ+2"), "EDI-COUNT", "UNZ says 2 messages, there are 1"),
        (GOOD.replace("UNZ+1+REF1", "UNZ+1+REF2"), "EDI-REFERENCE", "UNZ REF2"),
        (UNB + MESSAGE + MESSAGE + UNZ.replace("1", "2", 1), "EDI-REFERENCE", "reference 1 stands twice"),
        (UNB + "BGM+380'" + MESSAGE + UNZ, "EDI-STRUCTURE", "outside a message"),
        (GOOD.replace("+REF1++INVOIC", "+"), "EDI-REFERENCE", "without a reference"),
        (GOOD.replace("UNOC:3", "UNOQ:3"), "EDI-CHARSET", "'UNOQ'"),
        (GOOD.replace("UNOC:3", "UNOC:7"), "EDI-CHARSET", "'7'"),
        (GOOD.replace("UNH+1+INVOIC:D:96A:UN:EAN008", "UNH+1"), "EDI-STRUCTURE", "a message type"),
    ],
)
def test_wrong_counts_and_references_are_refused_or_warned_of(text: str, code: str, words: str) -> None:
    """Strict reading refuses; lenient reading lets the same pass with a warning."""
    found = refusal(text)
    assert found.code == code
    assert words in found.text
    assert any(words in each.text for each in one(text, strict=False).warnings)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (UNB + MESSAGE, "no UNZ"),
        (UNB + MESSAGE.replace("UNT+4+1'", "") + UNZ, "no UNT before UNZ"),
        (UNB + BODY + "UNT+4+1'" + UNZ, "UNT stands without"),
        (UNB + "UNH+1+A'" + MESSAGE + UNZ, "UNH stands inside"),
        (UNB + "UNE+1+1'" + UNZ, "UNE stands without"),
        (UNB + "UNG+A+B+C+D+1'" + MESSAGE + UNZ, "no UNE before UNZ"),
        (UNB + "UNG+A+B+C+D+1'UNG+A+B+C+D+2'" + UNZ, "UNG stands inside"),
        (UNB + "UNO+P1+1+1+99'xxUNP+2+P1'" + UNZ, "not as long"),
        (UNB + "UNH+1+INVOIC'UNO+P1+1+1+2'", "UNO stands inside"),
        (GOOD[:-3], "cut off"),
    ],
)
def test_a_broken_structure_is_refused_either_way(text: str, words: str) -> None:
    """What cannot be put right by a warning."""
    assert words in refusal(text).text
    assert words in refusal(text, strict=False).text


def test_all_problems_of_an_envelope_come_at_once() -> None:
    """Counts and references are checked to the end."""
    found = refusal(GOOD.replace("UNT+4", "UNT+5").replace("UNZ+1+REF1", "UNZ+3+X"))
    assert found.place == "interchange REF1"
    assert all(words in found.text for words in ("UNT says 5", "UNZ says 3", "UNZ X"))


def test_groups_are_counted() -> None:
    """With functional groups UNZ counts those, and UNE their messages."""
    group = f"UNG+INVOIC+A+B+261103:0930+7+UN+D:96A'{MESSAGE}UNE+1+7'"
    [message] = one(UNB + group + UNZ).messages()
    assert isinstance(message, Message)
    assert message.group == "7"
    assert "UNE says 2 messages" in refusal(UNB + group.replace("UNE+1", "UNE+2") + UNZ).text
    assert "UNE 8" in refusal(UNB + group.replace("UNE+1+7", "UNE+1+8") + UNZ).text
    assert "outside the functional groups" in refusal(UNB + group + MESSAGE.replace("+1+", "+2+") + UNZ).text
    assert "messages that are in none" in refusal(UNB + MESSAGE + group + UNZ).text


PACKAGE = "UNO+P1+1:x+13+12'a'UNZ+1+1'\x01?UNP+12+P1'"
UNZ_TWO = UNZ.replace("1", "2", 1)


def test_objects_of_bytes_may_hold_anything() -> None:
    """Even what looks like segments, and bytes of no character set (ISO 9735-8); UNZ counts them."""
    for unb in (UNB, UNB.replace("UNOC", "UNOW")):
        found = one((unb + MESSAGE.replace("à", "a") + PACKAGE.replace("b", "\xff") + UNZ_TWO).encode("latin-1"))
        [package] = found.packages
        assert (found.count, package.reference, package.name, package.number) == (1, "P1", "x", 6)
        assert found.data[package.start : package.end] == b"a'UNZ+1+1'\x01?"
    assert len(one(UNB + PACKAGE + MESSAGE + UNZ_TWO).packages) == 1


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (PACKAGE + UNZ, "EDI-COUNT", "UNZ says 1 messages and objects, there are 2"),
        (PACKAGE.replace("UNP+12", "UNP+13") + UNZ_TWO, "EDI-COUNT", "UNO says 12 bytes, UNP 13"),
        (PACKAGE.replace("12+P1'", "12+P2'") + UNZ_TWO, "EDI-REFERENCE", "UNO has the reference P1, UNP P2"),
    ],
)
def test_wrong_trailers_of_objects_are_refused_or_warned_of(text: str, code: str, words: str) -> None:
    """As those of messages are."""
    assert refusal(UNB + MESSAGE + text).code == code
    assert any(words in each.text for each in one(UNB + MESSAGE + text, strict=False).warnings)


@pytest.mark.parametrize("length", ["11", "13", "9999999999", "-1", "", "99999999999999999999"])
def test_an_object_of_another_length_is_refused(length: str) -> None:
    """Nothing else says where it ends, so lenient reading does not help."""
    found = refusal(UNB + MESSAGE + PACKAGE.replace("13+12", f"13+{length}") + UNZ_TWO, strict=False)
    assert (found.code, found.place) == ("EDI-STRUCTURE", "segment 6")
    assert refusal(UNB + MESSAGE + PACKAGE * 3 + UNZ, most=2).code == "EDI-TOO-MANY"


def test_problems_are_counted_no_further_than_they_are_told() -> None:
    """A million of them take no more memory than twenty; each has a text of bounded length."""
    many = refusal(UNB + "BGM+1'" * 10_000 + UNZ)
    assert many.text.endswith("; and more")
    assert many.text.count("outside a message") == 20
    found = one(UNB + "BGM+1'" * 10_000 + MESSAGE + UNZ, strict=False)
    assert len(found.warnings) == 20
    assert found.warnings[0].place == "segment 2"
    long = refusal(UNB + MESSAGE.replace("UNT+4+1", f"UNT+4+{'x' * 50_000}") + UNZ)
    assert len(long.text) < 400


def test_signs_outside_level_a_and_b_are_refused_or_warned_of() -> None:
    """UNOA has capitals only, UNOB small letters besides; separators and line breaks belong to both."""
    capitals = GOOD.replace("Don à l", "DON A L").replace("'", "'\r\n")
    assert one("UNA:+.? '" + capitals.replace("UNOC", "UNOA")).warnings == ()
    text = capitals.replace("UNOC", "UNOA").replace("DON", "Don")
    assert "('o') is not a character of UNOA" in refusal(text).text
    assert one(text.replace("UNOA", "UNOB")).warnings == ()
    [warning] = one(text, strict=False).warnings
    assert (warning.rule, warning.severity, warning.level) == ("EDI-CHARSET", "warn", "syntax")
    for sign in ("$", "@", "\x07", "_"):
        assert refusal(capitals.replace("UNOC", "UNOB").replace("DON", sign)).code == "EDI-CHARSET"


@pytest.mark.parametrize("between", ["", "\n", "UNA:+.? '", "\r\nUNA:+.? '\r\n"])
def test_every_interchange_of_a_file_is_seen(between: str) -> None:
    """Two interchanges are two, with or without service string advice, on one line or several."""
    second = GOOD.replace("REF1", "REF2")
    found = outcomes(GOOD + between + second)
    assert [each.reference for each in found if isinstance(each, Interchange)] == ["REF1", "REF2"]
    bad = outcomes(GOOD.replace("UNT+4", "UNT+9") + between + second)
    assert [isinstance(each, Interchange) for each in bad] == [False, True]
    cut = outcomes(UNB + MESSAGE + between + second)
    assert [isinstance(each, Interchange) for each in cut] == [False, True]


def test_an_interchange_with_other_separators_follows() -> None:
    """Each service string advice holds for its own interchange."""
    star = "UNA=*.? ~" + GOOD.replace(":", "=").replace("?'", "\x00").replace("'", "~").replace("+", "*").replace(
        "\x00", "'"
    )
    first, second = outcomes(star + GOOD)
    assert isinstance(first, Interchange)
    assert isinstance(second, Interchange)
    [message] = first.messages()
    assert isinstance(message, Message)
    assert message.segments[2].get(3) == "Don à l'UNAPEI"


def test_text_is_decoded_as_declared() -> None:
    """UTF-8 for UNOY; plain ASCII that is not is read all the same, since senders declare it out of habit."""
    utf = GOOD.replace("UNOC:3", "UNOY:4")
    [message] = one(utf.encode()).messages()
    assert isinstance(message, Message)
    assert message.segments[2].get(3) == "Don à l'UNAPEI"
    assert refusal(utf).code == "EDI-CHARSET"
    for raw in (GOOD.replace("UNOC", "UNOA").encode(), GOOD.replace("UNOC", "UNOA").encode("latin-1")):
        found = one(raw, strict=False)
        [message] = found.messages()
        assert isinstance(message, Message)
        assert message.segments[2].get(3) == "Don à l'UNAPEI"
        assert "is not a character of UNOA" in found.warnings[0].text


def test_a_bad_segment_refuses_its_message_alone() -> None:
    """The other messages of the interchange go on."""
    second = MESSAGE.replace("UNH+1", "UNH+2").replace("UNT+4+1", "UNT+4+2").replace("BGM", "bgm")
    first, refused = one(UNB + MESSAGE + second + UNZ.replace("1", "2", 1)).messages()
    assert isinstance(first, Message)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.place) == ("EDI-TAG", "segment 7")


def test_limits_and_what_is_no_interchange() -> None:
    """Too many messages, nothing at all, and something else are refused."""
    assert refusal(UNB + MESSAGE + MESSAGE.replace("+1+", "+2+") + UNZ, most=1).code == "EDI-TOO-MANY"
    for data, code in ((b"", "EDI-EMPTY"), (b" \r\n", "EDI-EMPTY"), (b"UNH+1'", "EDI-UNB"), (b"UNAxxxxxx", "EDI-UNA")):
        with pytest.raises(Refused) as error:
            outcomes(data)
        assert error.value.code == code
    with pytest.raises(Refused) as trailing:
        outcomes(GOOD + "rubbish")
    assert trailing.value.code == "EDI-UNB"


def test_edifact_is_recognised() -> None:
    """By its first segment alone."""
    for good in (GOOD, "UNA:+.? '" + GOOD, "UNA:+.? '\r\n" + GOOD, "\r\n" + GOOD, " \t\r\n" * 300 + GOOD):
        for mark in (b"", b"\xef\xbb\xbf", b"\r\n\xef\xbb\xbf\n"):
            assert recognise(mark + good.encode())
            assert one(mark + good.replace("UNOC:3", "UNOY:4").encode()).reference == "REF1"
    for part in (MESSAGE, "UNA:+.? '\r\n" + MESSAGE):  # it is EDIFACT, and no interchange
        assert recognise(part.encode())
        with pytest.raises(Refused, match="a message without its interchange"):
            outcomes(part)
    for other in (b"", b"UNA", b"UNA:+.? '", b"UNB;UNOC", b"<UNB+UNOC/>", b"ISA*00*"):
        assert not recognise(other)


@given(st.data())
def test_any_damage_is_read_or_refused(data: st.DataObject) -> None:
    """Whatever happened to a file, it is read or refused."""
    raw = ("UNA:+.? '" + GOOD + GOOD).encode("latin-1")
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, len(raw)))
    new = data.draw(st.one_of(st.binary(max_size=10), st.sampled_from([b"'", b"?", b"UNB+", b"UNO+1+1+1+9'", b"\n"])))
    for strict in (True, False):
        try:
            for each in read_interchanges(raw[:start] + new + raw[end:], strict=strict):
                found = [each] if isinstance(each, Refused) else list(each.messages())
                assert all(isinstance(one, (Message, Refused)) for one in found)
        except Refused as refused:
            assert refused.code.startswith("EDI-")


OUTSIDE_UNOA = {
    "synthetic__unoa_lowercase_accents.edi",
    "xlate__invoic_d93a_una.edi",
    "xlate__invoic_d97b.edi",
    "xlate__invoic_d97b_bad.edi",
}
"""The manifest did not ask whether the characters of these are of the set that they declare."""
PUT_TOGETHER = {"xlate__wrapped_invoic_d97b_una.edi"}
"""The manifest judged this without putting its broken lines together; put together, its trailers are right."""


def test_the_corpus_gets_the_verdicts_of_its_manifest() -> None:
    """Accepted, accepted leniently only, or rejected: as the manifest says of each public sample."""
    root = os.environ.get("GATEWAY_CORPUS")
    if not root:
        pytest.skip("GATEWAY_CORPUS is not set")
    wrong = []
    with (Path(root) / "MANIFEST.csv").open(encoding="utf-8", newline="") as manifest:
        rows = [row for row in csv.DictReader(manifest) if row["category"] == "edifact"]
    for row in rows:
        data = (Path(root) / row["file"]).read_bytes()
        strict, lenient = accepted(data, strict=True), accepted(data, strict=False)
        verdict = row["verdict"]
        if verdict.startswith("accept-lenient"):
            right = lenient and strict == (Path(row["file"]).name in PUT_TOGETHER)
        elif Path(row["file"]).name in OUTSIDE_UNOA:
            right = lenient and not strict
        elif verdict.startswith(("accept", "reject (above", "reject-by")):
            right = strict and lenient
        else:
            right = not strict
        if not right:
            wrong.append((row["file"], verdict, strict, lenient))
    assert len(rows) > 50
    assert wrong == []


def accepted(data: bytes, *, strict: bool) -> bool:
    """True when the envelopes of all interchanges are taken."""
    try:
        return all(isinstance(each, Interchange) for each in read_interchanges(data, strict=strict))
    except Refused:
        return False
