"""The codes of TA1, 997 and 999, in our words: what each of them means."""

from collections.abc import Mapping

from gateway.formats.acknowledgement import Verdict

VERDICTS: Mapping[str, Verdict] = {
    "A": Verdict.ACCEPTED,
    "E": Verdict.ACCEPTED_WITH_ERRORS,
    "P": Verdict.PARTIALLY_ACCEPTED,
    **dict.fromkeys(("R", "M", "W", "X"), Verdict.REJECTED),
}
"""AK501, AK901 and TA104: M, W and X reject for what failed in security."""
CODES: Mapping[Verdict, str] = {
    Verdict.ACCEPTED: "A",
    Verdict.ACCEPTED_WITH_ERRORS: "E",
    Verdict.PARTIALLY_ACCEPTED: "P",
    Verdict.REJECTED: "R",
}


def _table(text: str) -> Mapping[str, str]:
    return dict(line.split(" ", 1) for line in text.strip().splitlines())


SEGMENT_ERRORS = _table("""
1 the segment is unknown
2 the segment is not expected there
3 a segment that is mandatory is missing
4 the loop occurs too often
5 the segment occurs too often
6 the segment does not belong to this transaction set
7 the segment does not stand in its order
8 the segment has elements that are wrong
I4 the segment is not used by the implementation guide
I6 a segment that the implementation guide demands is missing
I7 the loop occurs less often than the implementation guide demands
I8 the segment occurs less often than the implementation guide demands
I9 a segment stands there that the implementation guide does not use in this case
""")
"""AK304 and IK304 (X12 720)."""

ELEMENT_ERRORS = _table("""
1 an element that is mandatory is missing
2 an element that is needed beside others is missing
3 there are too many elements
4 the element is too short
5 the element is too long
6 the element has a character that is not allowed
7 the code is not one of the list
8 the date is none
9 the time is none
10 the element must not stand beside the others
12 the element is repeated too often
13 there are too many components
I6 the code is not used by the implementation guide
I9 the element is needed by the implementation guide in this case
I10 the element is not used by the implementation guide
I11 the element is repeated too seldom for the implementation guide
I12 the value does not fit the pattern of the implementation guide
I13 the element is not used by the implementation guide in this case
""")
"""AK403 and IK403 (X12 723)."""

SET_ERRORS = _table("""
1 this kind of transaction set is not supported
2 the trailer SE is missing
3 ST and SE have different control numbers
4 SE counts other segments than there are
5 one or more segments are wrong
6 the transaction set identifier is missing or wrong
7 the transaction set control number is missing or wrong
8 the name of the authentication key is unknown
9 the name of the encryption key is unknown
10 authentication or encryption is not available
11 the security recipient is unknown
12 the message is incomplete (encryption)
13 the message authentication code failed
15 the security originator is unknown
16 the text to decrypt is wrong
17 security is not supported
18 the set stands in a group it does not belong to
19 the set is not valid for the version of its group
23 the transaction set control number stands twice in the group
24 the assurance digest failed
25 the assurance signature failed
""")
"""AK502 to AK506 (X12 718)."""

GROUP_ERRORS = _table("""
1 this kind of functional group is not supported
2 the version of the group is not supported
3 the trailer GE is missing
4 GS and GE have different control numbers
5 GE counts other transaction sets than there are
6 the control number of the group is wrong
10 the name of the authentication key is unknown
11 the name of the encryption key is unknown
12 authentication or encryption is not available
13 the security recipient is unknown
14 the security originator is unknown
15 the text to decrypt is wrong
16 security is not supported
17 the message is incomplete (encryption)
18 the message authentication code failed
19 the control number of the group stands twice
23 the receiver of the group is unknown
24 the sender of the group is unknown
""")
"""AK905 to AK909 (X12 716)."""

INTERCHANGE_ERRORS = _table("""
000 no error
001 ISA and IEA have different control numbers
002 the standard is not supported
003 the version of the interchange is not supported
004 the segment terminator is wrong
005 the qualifier of the sender is wrong
006 the sender is wrong
007 the qualifier of the receiver is wrong
008 the receiver is wrong
009 the receiver is unknown
010 the authorization qualifier is wrong
011 the authorization information is wrong
012 the security qualifier is wrong
013 the security information is wrong
014 the date of the interchange is wrong
015 the time of the interchange is wrong
016 the standards identifier is wrong
017 the version of the interchange is wrong
018 the control number of the interchange is wrong
019 the acknowledgment requested is wrong
020 the test indicator is wrong
021 the number of functional groups is wrong
022 the control structure is wrong
023 the transmission ended too early
024 the content of the interchange is wrong, as its GS
025 the control number of the interchange has been used before
026 the element separator is wrong
027 the component separator is wrong
028 the date of a deferred delivery is wrong
029 the time of a deferred delivery is wrong
030 the service code of a deferred delivery is wrong
031 the grade of service is wrong
""")
"""TA105 (X12 I18)."""
