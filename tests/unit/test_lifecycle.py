"""The tables of the life of messages, documents and deliveries."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.flow import lifecycle
from gateway.flow.lifecycle import Axis, IllegalMove, Move, step
from gateway.message import DeliveryState, MessageState, Processing

TABLES: dict[Axis, Mapping[Any, Any]] = {
    "message": lifecycle.MESSAGE,
    "processing": lifecycle.PROCESSING,
    "delivery": lifecycle.DELIVERY,
}
STATES: dict[Axis, Any] = {"message": MessageState, "processing": Processing, "delivery": DeliveryState}
ENDS: dict[Axis, set[Any]] = {
    "message": {MessageState.READ, MessageState.DECIDED, MessageState.SENT},
    "processing": {Processing.RELEASED, Processing.REJECTED, Processing.STORED, Processing.CANCELLED},
    "delivery": {DeliveryState.DELIVERED, DeliveryState.SEEN, DeliveryState.CANCELLED, DeliveryState.SUPERSEDED},
}


def _reach(table: Mapping[Any, Any], start: set[Any]) -> set[Any]:
    found, fresh = set(start), set(start)
    while fresh:
        fresh = {after for (state, _), after in table.items() if state in fresh} - found
        found |= fresh
    return found


@pytest.mark.parametrize("axis", TABLES)
def test_every_state_is_reachable(axis: Axis) -> None:
    """No state of an axis is there that nothing leads to."""
    assert _reach(TABLES[axis], set(lifecycle.INITIAL[axis])) == set(STATES[axis])


@pytest.mark.parametrize("axis", TABLES)
def test_every_state_can_come_to_an_end(axis: Axis) -> None:
    """From every state a final one can be reached, so nothing is stuck for ever."""
    for state in STATES[axis]:
        assert _reach(TABLES[axis], {state}) & ENDS[axis], state


@given(st.sampled_from(sorted(TABLES)), st.lists(st.sampled_from(Move), max_size=30))
def test_any_sequence_keeps_a_legal_state(axis: Axis, moves: list[Move]) -> None:
    """Whatever is tried in whatever order, an item stays in a state of its axis."""
    state = lifecycle.INITIAL[axis][0]
    for move in moves:
        try:
            state = step(TABLES[axis], state, move)
        except IllegalMove as error:
            assert error.state == state
    assert state in set(STATES[axis])


def test_delivered_never_falls_back_by_itself() -> None:
    """Only a person's resend, and an acknowledgement that refuses the content, take a delivery out of delivered."""
    moves = {move for (state, move) in lifecycle.DELIVERY if state is DeliveryState.DELIVERED}
    assert moves == {Move.SEE, Move.RESEND, Move.TURN_DOWN}
    assert lifecycle.DELIVERY[DeliveryState.DELIVERED, Move.TURN_DOWN] is DeliveryState.REFUSED


@pytest.mark.parametrize("axis", TABLES)
def test_drawing_shows_every_move(axis: Axis) -> None:
    """The picture of an axis has one arrow for every row of its table."""
    arrows = [line for line in lifecycle.drawing(axis).splitlines() if ":" in line]
    assert len(arrows) == len(TABLES[axis])
