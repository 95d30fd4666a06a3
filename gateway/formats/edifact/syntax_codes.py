"""The codes of CONTRL, in our words: actions (UNTDID 0083) and syntax errors (0085)."""

from collections.abc import Mapping

from gateway.formats.acknowledgement import Verdict
from gateway.formats.edifact.directories.tables import table

REJECTED, ACKNOWLEDGED, RECEIVED = "4", "7", "8"
"""What we say: rejected with all that is in it; acknowledged with all that is not rejected; received, not yet looked at."""

VERDICTS: Mapping[str, Verdict] = {
    "1": Verdict.ACCEPTED,
    "2": Verdict.PARTIALLY_ACCEPTED,
    "3": Verdict.PARTIALLY_ACCEPTED,
    "4": Verdict.REJECTED,
    "5": Verdict.ACCEPTED,
    "6": Verdict.REJECTED,
    "7": Verdict.ACCEPTED,
    "8": Verdict.ACCEPTED,
}
"""Action (0083) → what it says of the part it stands at. 5, 6 and 8 are of the envelope alone."""

ONLY_RECEIVED = frozenset({"5", "8"})

MEANINGS: Mapping[str, str] = table("""
2 the syntax version or level is not supported
7 the recipient of the interchange is another
12 the value is invalid
13 it is missing
14 the value is not supported in this position
15 it is not supported in this position
16 there are too many constituents
17 there is no agreement that allows it
18 an error that is not specified
19 the decimal mark is invalid
20 the character is invalid as a service character
21 there are invalid characters
22 there are invalid service characters
23 the sender of the interchange is unknown
24 it is too old
25 the test indicator is not supported
26 it has been received before
27 the security function is not supported
28 the references do not match
29 the count does not match what was received
30 functional groups and messages are mixed
31 there is more than one message type in a group
32 the next lower level is empty
33 it stands outside of message, package or group
34 the nesting indicator is not allowed here
35 the segment or element stands there too often
36 the segment group stands there too often
37 the characters are of the wrong type
38 a digit is missing in front of the decimal mark
39 the element is too long
40 the element is too short
41 a permanent error of the network
42 a temporary error of the network
43 the recipient of the interchange is unknown
45 a separator stands at the end
46 the character set is not supported
47 the functionality of the envelope is not supported
48 a dependency between elements is violated
""")
"""0085."""
