"""Functional acknowledgements that came: matched to the deliveries they are about, and what follows from them.

A partner speaks of its own deliveries alone: who it is was shown when its message was accepted, not by what it writes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.endpoints.base import NewReceipt
from gateway.flow import advance, lifecycle, settle
from gateway.flow.awaited import key
from gateway.flow.lifecycle import Move
from gateway.formats.acknowledgement import AcknowledgedProblem, Acknowledgement, Verdict
from gateway.message import Delivery, DeliveryState, Message, ReceiptOutcome
from gateway.store import deliveries, messages, receipts, references, work
from gateway.store.database import Tx

MOST_TOLD = 5
"""Most problems of an acknowledgement that are told in words; its bytes have them all."""
MOST_CANDIDATES = 20
"""Most interchanges with one control number that are looked at: a partner has one for each pair of identifiers."""

_GRAVITY = (Verdict.ACCEPTED, Verdict.ACCEPTED_WITH_ERRORS, Verdict.PARTIALLY_ACCEPTED, Verdict.REJECTED)
_OUTCOMES = {
    Verdict.ACCEPTED: ReceiptOutcome.DELIVERED,
    Verdict.ACCEPTED_WITH_ERRORS: ReceiptOutcome.WARNING,
    Verdict.PARTIALLY_ACCEPTED: ReceiptOutcome.REFUSED,  # there is one document in what we send, so it is that one
    Verdict.REJECTED: ReceiptOutcome.REFUSED,
}
_ONLY_ENVELOPE = frozenset({"TA1"})
"""Acknowledgements that say nothing about the content when they accept."""
_ARRIVED = frozenset({DeliveryState.DELIVERED, DeliveryState.SEEN, DeliveryState.HANDED_OVER, DeliveryState.SENDING})
_PLACE_OF_DOCUMENT = "1"
"""The reference of the only message (UNH, ST) in what we send, without leading zeros."""


@dataclass(frozen=True, slots=True)
class Came:
    """What one message of a file says: its own `source`, and everything that it acknowledges.

    One that says `only_received` says nothing about the content when it accepts; so does every TA1.
    """

    source: bytes
    said: tuple[Acknowledgement, ...]
    only_received: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What an acknowledgement did: the log event that tells it, and the delivery (None: it fits none)."""

    event: str
    kind: str
    text: str
    delivery: Delivery | None = None
    delivered: bool = False


def settle_all(tx: Tx, message: Message, came: Iterable[Came], *, actor: str) -> list[Settled]:
    """Commit what the acknowledgements of a message say about the deliveries of its partner."""
    done: list[Settled] = []
    for each in came:
        strays: list[Acknowledgement] = []
        about: dict[tuple[str, str], list[Acknowledgement]] = {}
        for said in each.said:
            found = _deliveries(tx, message.partner, said)
            for delivery in found:
                about.setdefault((delivery.id, said.kind), []).append(said)
            if not found:
                strays.append(said)
        for (delivery_id, _), said_of_it in about.items():
            delivery = deliveries.get(tx, delivery_id)  # anew: a verdict before may have moved it
            done.append(_settle(tx, delivery, said_of_it, message, each, actor=actor))
        if strays:
            text = "; ".join(_sentence(said) for said in strays[:MOST_TOLD])
            receipt = _receipt(strays[0].kind, ReceiptOutcome.UNMATCHED, f"no delivery fits it: {text}", message, each)
            settle.keep_unmatched(tx, message.partner, receipt)
            done.append(Settled(event="acknowledgement_unmatched", kind=receipt.kind, text=text))
    return done


def _deliveries(tx: Tx, partner: str, said: Acknowledgement) -> list[Delivery]:
    """The deliveries an acknowledgement is about: those that arrived, or else those that may have."""
    if said.level == "message" and said.message and said.message.strip().lstrip("0") != _PLACE_OF_DOCUMENT:
        return []
    number = said.interchange or said.group
    found = _by_control(tx, partner, said, number) if number else _by_document(tx, partner, said.number)
    sent = [each for each in found if each.partner == partner and each.attempts]
    return [each for each in sent if each.state in _ARRIVED] or sent


def _by_control(tx: Tx, partner: str, said: Acknowledgement, number: str) -> list[Delivery]:
    format_ = "edifact" if said.kind in {"CONTRL", "APERAK"} else "x12"
    subjects = references.find(tx, "interchange", key(partner, format_, number), MOST_CANDIDATES)
    sent = [messages.get(tx, subject) for subject in subjects]
    identities = {_identity(each) for each in sent}
    if len(identities) > 1:
        named = [_value(said.sender), _value(said.receiver)]
        exact = {each for each in identities if all(a in {None, b} for a, b in zip(named, each, strict=True))}
        if len(exact) != 1:
            return []  # it may be any of them
        sent = [each for each in sent if _identity(each) in exact]
    found = [deliveries.of_message(tx, each.id) for each in sent]
    return [each for each in found if each is not None]


def _identity(message: Message) -> tuple[str, str]:
    return message.headers.get("sender", "").strip(), message.headers.get("receiver", "").strip()


def _value(identifier: object) -> str | None:
    value = getattr(identifier, "value", None)
    return value.strip() if isinstance(value, str) else None


def _by_document(tx: Tx, partner: str, number: str) -> list[Delivery]:
    """Application acknowledgements may name nothing but the number of the document."""
    if not number:
        return []
    subjects = references.find(tx, "number", number, MOST_CANDIDATES)
    every = [each for subject in subjects for each in deliveries.of_document(tx, subject)]
    own = [each for each in every if each.partner == partner and each.attempts]
    documents = {each.document_id for each in own if each.state in _ARRIVED} or {each.document_id for each in own}
    return [each for each in own if each.document_id in documents] if len(documents) == 1 else []


def _settle(
    tx: Tx, delivery: Delivery, said: Sequence[Acknowledgement], message: Message, came: Came, *, actor: str
) -> Settled:
    verdict, problems = _together(said)
    kind = said[0].kind
    outcome = _OUTCOMES[verdict]
    text = _words(kind, verdict, problems)
    receipt = _receipt(kind, outcome, text, message, Came(came.source, tuple(said)))
    told = Settled(event="acknowledgement_repeated", kind=receipt.kind, text=text, delivery=delivery)
    kept = receipts.of_delivery(tx, delivery.id)
    if settle.is_there(kept, receipt):
        return told
    refuses = outcome is ReceiptOutcome.REFUSED
    completes = not refuses and kind not in _ONLY_ENVELOPE and not came.only_received
    move = _move(delivery.state, refuses=refuses, completes=completes)
    if move is None:
        if delivery.state in _ARRIVED:
            proof = f"{delivery.proof}; {text}" if delivery.proof else text
            awaited = None if completes else delivery.acknowledge_by
            deliveries.change(tx, delivery.id, proof=proof, acknowledge_by=awaited)
        settle.note(tx, delivery, receipt, "acknowledge", actor=actor)
        return Settled(event="acknowledgement_received", kind=receipt.kind, text=text, delivery=delivery)
    settle.close_attempts(tx, delivery, Move.REFUSE if refuses else Move.DELIVER, text=text)
    settle.keep(tx, delivery, receipt)
    advance.delivery(tx, delivery, move, actor=actor, why=text, data={"receipt": receipt.kind, **receipt.details})
    work.add(tx, "deliver", delivery.id)  # what waits to be sent again finds that there is nothing left to do
    if refuses:
        settle.refused(tx, delivery, text, actor=actor)
        deliveries.change(tx, delivery.id, next_at=None)
        return Settled(event="acknowledgement_refused", kind=receipt.kind, text=text, delivery=delivery)
    proof = f"{delivery.proof}; {text}" if delivery.proof else text
    deliveries.change(tx, delivery.id, proof=proof, last_error=None, next_at=None, acknowledge_by=None)
    settle.supersede(tx, delivery, actor=actor)
    return Settled(event="acknowledgement_received", kind=receipt.kind, text=text, delivery=delivery, delivered=True)


def _move(state: DeliveryState, *, refuses: bool, completes: bool) -> Move | None:
    wanted = (Move.REFUSE, Move.TURN_DOWN) if refuses else (Move.DELIVER,) if completes else ()
    return next((each for each in wanted if (state, each) in lifecycle.DELIVERY), None)


def _together(said: Sequence[Acknowledgement]) -> tuple[Verdict, list[AcknowledgedProblem]]:
    """The gravest verdict; what is said about the message itself is heard before "partly" about what holds it."""
    own = [each for each in said if each.level == "message"]
    heard = [each for each in said if each in own or not own or each.verdict is not Verdict.PARTIALLY_ACCEPTED]
    verdict = max((each.verdict for each in heard), key=_GRAVITY.index)
    return verdict, [problem for each in said for problem in each.problems]


def _words(kind: str, verdict: Verdict, problems: Sequence[AcknowledgedProblem]) -> str:
    told = [_problem(each) for each in problems[:MOST_TOLD]]
    if len(problems) > MOST_TOLD:
        told.append(f"and {len(problems) - MOST_TOLD} more")
    return f"{kind}: {verdict}" + (f": {'; '.join(told)}" if told else "")


def _problem(problem: AcknowledgedProblem) -> str:
    text = f"{problem.code} {problem.text}".strip()[:300]
    found = f" (found '{problem.found[:60]}')" if problem.found else ""
    return text + (f" at {problem.place}" if problem.place else "") + found


def _sentence(said: Acknowledgement) -> str:
    named = {
        "interchange": said.interchange,
        "group": said.group,
        "message": said.message,
        "document": said.number,
    }
    about = ", ".join(f"{what} {number[:40]}" for what, number in named.items() if number) or "nothing named"
    return f"{said.kind} about {about}: {said.verdict}"


def _receipt(kind: str, outcome: ReceiptOutcome, text: str, message: Message, came: Came) -> NewReceipt:
    first = came.said[0]
    details: Mapping[str, str] = {
        "message": message.id,
        "interchange": first.interchange,
        "group": first.group,
        "codes": " ".join(dict.fromkeys(each.code for said in came.said for each in said.problems if each.code))[:200],
    }
    told = {name: value for name, value in details.items() if value}
    return NewReceipt(kind=kind.lower(), outcome=outcome, text=text, payload=came.source, details=told)
