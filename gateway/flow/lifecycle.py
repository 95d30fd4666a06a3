"""The life of messages, documents and deliveries: one table `(state, event) -> state` for each axis.

Plain data: the store row holds the state, `gateway.flow.advance` moves it. `drawing()` is the picture of the tables in
docs/explanation/life-cycle.md.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, TypeVar

from gateway.message import DeliveryState, MessageState, Processing

Axis = Literal["message", "processing", "delivery"]
State = MessageState | Processing | DeliveryState


M, P, D = MessageState, Processing, DeliveryState


class Move(StrEnum):
    """What can happen to a message, a document or a delivery; the value is how the history says it."""

    READ = "read"
    REFUSE = "refuse"
    PARK = "park"
    REPLAY = "replay"
    HOLD = "hold"
    RELEASE = "release"
    REJECT = "reject"
    CANCEL = "cancel"
    DUPLICATE = "duplicate"
    STORE = "store"
    QUEUE = "queue"
    START = "start"
    HAND_OVER = "hand over"
    DELIVER = "deliver"
    RETRY = "retry"
    INTERRUPT = "interrupt"
    FAIL = "fail"
    SUPERSEDE = "supersede"
    SEE = "see"
    TAKE = "certificates accepted"
    DECLINE = "certificates rejected"
    RESEND = "resend"
    TURN_DOWN = "turn down"


class IllegalMove(Exception):
    """A move that the table does not have: the item is not in a state in which this can happen."""

    def __init__(self, state: State, move: Move) -> None:
        super().__init__(f"'{move}' is not possible in state '{state}'")
        self.state = state
        self.move = move


MESSAGE: Mapping[tuple[MessageState, Move], MessageState] = {
    (M.RECEIVED, Move.READ): M.READ,
    (M.RECEIVED, Move.REFUSE): M.REFUSED,
    (M.RECEIVED, Move.PARK): M.PARKED,
    (M.REFUSED, Move.REPLAY): M.RECEIVED,
    (M.PARKED, Move.REPLAY): M.RECEIVED,
    (M.DUPLICATE, Move.REPLAY): M.RECEIVED,  # a person knows that it is none
    (M.READ, Move.REPLAY): M.RECEIVED,  # documents that could be read stay; only unreadable ones are read again
    (M.PROPOSAL, Move.TAKE): M.DECIDED,
    (M.PROPOSAL, Move.DECLINE): M.DECIDED,
}

PROCESSING: Mapping[tuple[Processing, Move], Processing] = {
    (P.READ, Move.HOLD): P.HELD,
    (P.READ, Move.RELEASE): P.RELEASED,
    (P.READ, Move.REJECT): P.REJECTED,
    (P.READ, Move.DUPLICATE): P.DUPLICATE,
    (P.READ, Move.STORE): P.STORED,
    (P.READ, Move.PARK): P.PARKED,
    (P.HELD, Move.RELEASE): P.RELEASED,
    (P.HELD, Move.REJECT): P.REJECTED,
    (P.HELD, Move.REPLAY): P.READ,
    (P.PARKED, Move.REPLAY): P.READ,
    (P.PARKED, Move.REJECT): P.REJECTED,
    (P.REJECTED, Move.REPLAY): P.READ,
    (P.DUPLICATE, Move.REPLAY): P.READ,
    (P.RELEASED, Move.HOLD): P.HELD,  # the partner refused the content
    (P.RELEASED, Move.PARK): P.PARKED,
    (P.RELEASED, Move.CANCEL): P.CANCELLED,
    (P.HELD, Move.CANCEL): P.CANCELLED,
    (P.PARKED, Move.CANCEL): P.CANCELLED,
}

DELIVERY: Mapping[tuple[DeliveryState, Move], DeliveryState] = {
    (D.PLANNED, Move.QUEUE): D.QUEUED,
    (D.PLANNED, Move.SUPERSEDE): D.SUPERSEDED,
    (D.PLANNED, Move.CANCEL): D.CANCELLED,
    (D.QUEUED, Move.START): D.SENDING,
    (D.QUEUED, Move.DELIVER): D.DELIVERED,  # its receipt came while it waited to be sent again
    (D.QUEUED, Move.HAND_OVER): D.HANDED_OVER,  # the same, and its acknowledgement is still to come
    (D.QUEUED, Move.REFUSE): D.REFUSED,
    (D.QUEUED, Move.FAIL): D.FAILED,
    (D.QUEUED, Move.PARK): D.PARKED,
    (D.QUEUED, Move.CANCEL): D.CANCELLED,
    (D.SENDING, Move.DELIVER): D.DELIVERED,
    (D.SENDING, Move.HAND_OVER): D.HANDED_OVER,
    (D.SENDING, Move.RETRY): D.QUEUED,
    (D.SENDING, Move.INTERRUPT): D.QUEUED,
    (D.SENDING, Move.FAIL): D.FAILED,
    (D.SENDING, Move.REFUSE): D.REFUSED,
    (D.SENDING, Move.PARK): D.PARKED,
    (D.HANDED_OVER, Move.HAND_OVER): D.HANDED_OVER,  # it arrived; its acknowledgement is still to come
    (D.HANDED_OVER, Move.DELIVER): D.DELIVERED,
    (D.HANDED_OVER, Move.REFUSE): D.REFUSED,
    (D.HANDED_OVER, Move.RETRY): D.QUEUED,
    (D.HANDED_OVER, Move.FAIL): D.FAILED,
    (D.HANDED_OVER, Move.PARK): D.PARKED,
    (D.HANDED_OVER, Move.RESEND): D.QUEUED,  # no acknowledgement came, and a person asked
    (D.DELIVERED, Move.SEE): D.SEEN,
    (D.DELIVERED, Move.RESEND): D.QUEUED,
    (D.DELIVERED, Move.TURN_DOWN): D.REFUSED,  # it arrived, and its acknowledgement refuses the content
    (D.SEEN, Move.RESEND): D.QUEUED,
    (D.SEEN, Move.TURN_DOWN): D.REFUSED,
    (D.FAILED, Move.DELIVER): D.DELIVERED,  # its receipt came after the deadline
    (D.FAILED, Move.HAND_OVER): D.HANDED_OVER,
    (D.FAILED, Move.REFUSE): D.REFUSED,
    (D.FAILED, Move.RESEND): D.QUEUED,
    (D.REFUSED, Move.RESEND): D.QUEUED,
    (D.PARKED, Move.DELIVER): D.DELIVERED,
    (D.PARKED, Move.HAND_OVER): D.HANDED_OVER,
    (D.PARKED, Move.REFUSE): D.REFUSED,
    (D.PARKED, Move.RESEND): D.QUEUED,
    (D.CANCELLED, Move.RESEND): D.QUEUED,
    (D.FAILED, Move.CANCEL): D.CANCELLED,
    (D.REFUSED, Move.CANCEL): D.CANCELLED,
    (D.PARKED, Move.CANCEL): D.CANCELLED,
}

INITIAL: Mapping[Axis, tuple[State, ...]] = {
    "message": (M.RECEIVED, M.REFUSED, M.DUPLICATE, M.PROPOSAL, M.SENT),
    "processing": (P.READ,),
    "delivery": (D.QUEUED, D.PLANNED),
}

S = TypeVar("S", MessageState, Processing, DeliveryState)


def step(table: Mapping[tuple[S, Move], S], state: S, move: Move) -> S:
    """The state after `move`; raises `IllegalMove` when the table has none."""
    try:
        return table[state, move]
    except KeyError:
        raise IllegalMove(state, move) from None


def drawing(axis: Axis) -> str:
    """The table of one axis as a Mermaid state diagram."""
    tables: Mapping[Axis, Mapping[tuple[State, Move], State]] = {
        "message": {(state, move): after for (state, move), after in MESSAGE.items()},
        "processing": {(state, move): after for (state, move), after in PROCESSING.items()},
        "delivery": {(state, move): after for (state, move), after in DELIVERY.items()},
    }
    lines = ["stateDiagram-v2"]
    lines += [f"    [*] --> {_name(state)}" for state in INITIAL[axis]]
    lines += [f"    {_name(state)} --> {_name(after)}: {move}" for (state, move), after in tables[axis].items()]
    return "\n".join(lines)


def _name(state: State) -> str:
    return state.value.replace(" ", "_")
