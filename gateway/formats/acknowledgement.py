"""What a trading partner says about what it received: the value that TA1, 997, 824, CONTRL and APERAK are read into."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from gateway.invoice import Identifier

Level = Literal["interchange", "group", "message"]


class Verdict(StrEnum):
    """What became of the part that is acknowledged."""

    ACCEPTED = "accepted"
    ACCEPTED_WITH_ERRORS = "accepted with errors"
    PARTIALLY_ACCEPTED = "partially accepted"  # a group or interchange of which some messages were rejected
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgedProblem:
    """One thing the other side found wrong.

    `code` is the code of the acknowledgement's own list, `text` what it means, or the words the other side wrote. `segment`
    is the segment's tag, `position` its number in the message (1 is its header), `element` and `component` count from 1;
    None where it is not said. `found` is the value complained about, as far as it was given back.
    """

    code: str
    text: str
    segment: str = ""
    position: int | None = None
    element: int | None = None
    component: int | None = None
    found: str = ""

    @property
    def place(self) -> str:
        """Where, in words: `segment 8 NM1, element 8`; empty when the whole part is meant."""
        words = f"segment {self.position} {self.segment}".rstrip() if self.position else self.segment
        for name, number in (("element", self.element), ("component", self.component)):
            if number is not None:
                words += f"{', ' if words else ''}{name} {number}"
        return words


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """A verdict about one interchange, group or message (`level`) that was sent to the one who says so.

    `kind` names the message that says it. `sender` and `receiver` are those of what is acknowledged. Of the control
    numbers those are set that the acknowledgement names; `message_type` is INVOIC, 810 … of the message, of a group its
    functional identifier (IN). `number` is the document's own number where that is named.
    """

    kind: Literal["TA1", "997", "999", "824", "CONTRL", "APERAK"]
    level: Level
    verdict: Verdict
    sender: Identifier | None = None
    receiver: Identifier | None = None
    interchange: str = ""
    group: str = ""
    message: str = ""
    message_type: str = ""
    number: str = ""
    problems: tuple[AcknowledgedProblem, ...] = ()
