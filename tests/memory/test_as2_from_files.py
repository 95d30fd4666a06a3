# mypy: disable-error-code="no-untyped-call"
"""Messages opened from files: the same answers as in memory, attacks included, and no file is left in any outcome."""

import gc
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.testing import MemoryReactorClock

from gateway.config.certificates import OwnKey
from gateway.config.snapshot import Current
from gateway.endpoints.as2 import mdn, spooled_files
from gateway.endpoints.as2.client import NOBODY
from gateway.endpoints.as2.listener import As2Listener
from gateway.endpoints.as2.message import Composed
from gateway.endpoints.as2.posted import Posted
from gateway.endpoints.base import Parts
from gateway.endpoints.http import front
from gateway.message import Body
from gateway.store import payloads
from gateway.store.payloads import Spool
from tests import as2_attacks as attack
from tests import as2_exchange as exchange
from tests import as2_parties as parties
from tests.as2_attack_tables import ENVELOPES, SIGNATURES, WRAPPINGS
from tests.as2_attacks import THEM, Attack
from tests.as2_house import House, read, told
from tests.edge import InlineTasks, outcome

HONEST: dict[str, dict[str, Any]] = {
    "signed and encrypted": {},
    "compressed before": {"compress": "before-signing"},
    "compressed after": {"compress": "after-signing"},
    "GCM": {"cipher": "aes256-gcm"},
    "encrypted only": {"key": None},
    "signed only": {"recipient": None},
    "plain": {"key": None, "recipient": None},
}
LENIENT: dict[str, Any] = {"require": {"signed": False, "encrypted": False}}


class FromFiles(House):
    """A site whose listener opens every message from a file."""

    def __init__(self, spool: Path, **how: Any) -> None:
        super().__init__(**how)
        self.spool = spool
        self.parts: Parts = exchange.parts(
            self.snapshot,
            self.kept.accept,
            current=Current(self.snapshot),
            tasks=self.tasks,
            metrics=self.metrics,
            settle=self._settle,
            spool=spool,
        )
        self.listener = As2Listener(self.parts, in_memory=0)
        self.agent = exchange.site(self.listener)
        self.agent._serverFactory = front(self.parts, self.listener.routes)

    def left(self) -> list[Path]:
        """Files that lie about, besides those that were kept."""
        kept = {body.path for each in self.kept.messages for body in (each.body, each.evidence) if body is not None}
        return [path for path in self.spool.glob("*") if path not in kept]


@pytest.fixture
def house(tmp_path: Path) -> FromFiles:
    """A site that takes anything from its partner."""
    return FromFiles(tmp_path, **LENIENT)


def bytes_of(body: Body | None) -> bytes:
    """What a body holds."""
    assert body is not None
    return body.data if body.data is not None else body.path.read_bytes() if body.path else b""


def taken(house: FromFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the store keep what it is given: its files are not thrown away when it has answered."""
    real = payloads.discard
    kept = house.kept.messages

    def discard(body: Body | None) -> None:
        if all(body not in {each.body, each.evidence} for each in kept):
            real(body)

    monkeypatch.setattr(payloads, "discard", discard)


@pytest.mark.parametrize("form", HONEST.values(), ids=HONEST)
def test_an_honest_message_is_taken_as_in_memory(
    house: FromFiles, form: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same payload, evidence, name and type are kept, and the MDN says the same; nothing else is left."""
    taken(house, monkeypatch)
    made = parties.composed(**form)
    in_memory = House(**LENIENT)
    answers = [read(each.post(made)) for each in (house, in_memory)]
    assert (answers[0].disposition, answers[0].mic, answers[0].text) == (
        answers[1].disposition,
        answers[1].mic,
        answers[1].text,
    )
    assert answers[0].disposition == mdn.PROCESSED
    (filed,), (held,) = house.kept.messages, in_memory.kept.messages
    assert bytes_of(filed.body) == bytes_of(held.body) == parties.PAYLOAD
    assert (filed.filename, filed.content_type, filed.refusal) == (held.filename, held.content_type, held.refusal)
    assert (filed.body.sha256, filed.body.size) == (held.body.sha256, held.body.size)
    if form.get("key", THEM):
        assert bytes_of(filed.evidence) == bytes_of(held.evidence)
    else:
        assert filed.evidence is held.evidence is None
    assert house.left() == []


@pytest.mark.parametrize("one", [*SIGNATURES, *WRAPPINGS, *ENVELOPES], ids=lambda one: one.name)
def test_an_attack_gets_nothing(tmp_path: Path, one: Attack) -> None:
    """Every attack is answered with the same bytes as in memory, nothing is kept, and no file is left."""
    house = FromFiles(tmp_path, **one.site)
    made = one.make()
    house.refuses(made)
    assert house.uniform()[::2] == House(**one.site).uniform()[::2]
    assert house.left() == []


def test_a_refusal_after_authentication_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is authenticated and too weak is kept and refused with a signed MDN, as in memory."""
    house = FromFiles(tmp_path, require={"signed": True, "encrypted": True})
    taken(house, monkeypatch)
    made = parties.composed(recipient=None)
    answer = read(house.post(made))
    assert answer.disposition == mdn.INSUFFICIENT_SECURITY
    assert answer.text == read(House(require={"signed": True, "encrypted": True}).post(made)).text
    assert house.left() == []


def test_a_duplicate_gets_the_stored_answer_and_leaves_no_file(house: FromFiles) -> None:
    """The second of a Message-ID is answered with the first answer; its payload and evidence are thrown away."""
    first = house.post(parties.composed())
    again = house.post(parties.composed())
    assert told(first) == told(again)
    assert len(house.kept.messages) == 1
    assert list(house.spool.glob("*")) == []


def test_a_store_that_fails_leaves_no_file(house: FromFiles) -> None:
    """When the store cannot take it, the sender is told to come again and nothing is left."""
    house.kept.broken = True
    assert house.post(parties.composed()).status == 503
    assert list(house.spool.glob("*")) == []


def test_without_a_key_to_sign_the_answer_nothing_is_left(tmp_path: Path) -> None:
    """The message is good, and we cannot say so: it is to come again."""
    key = parties.own_key("us")
    past = OwnKey(replace(key.dated, until=parties.NOW), key.key)
    house = FromFiles(tmp_path, keys=(past,))
    assert house.post(parties.composed()).status == 503
    assert list(house.spool.glob("*")) == []


class _Full(Spool):
    """A disk with room for so many bytes more."""

    room = 0

    def write(self, data: bytes) -> int:
        """Write while there is room."""
        with payloads.disk_errors(self.directory):
            if len(data) > _Full.room:
                raise OSError(28, "No space left on device")
        _Full.room -= len(data)
        return super().write(data)


@pytest.mark.parametrize("form", [{}, {"compress": "before-signing"}, {"recipient": None}])
def test_a_disk_that_is_full_is_a_503_at_any_moment(
    house: FromFiles, form: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever the room ends, the sender is told to come again, nothing is kept, and no file is left."""
    made = parties.composed(**form)
    monkeypatch.setattr(spooled_files, "Spool", _Full)
    for room in range(0, 5 * len(made.body), len(made.body) // 3):
        _Full.room = room
        answer = house.post(made, message_id=f"<{room}@them.example>")
        if answer.status == 200:
            break
        assert answer.status == 503
        assert house.kept.messages == []
        assert list(house.spool.glob("*")) == []
    assert room > 0
    assert len(house.kept.messages) == 1
    assert house.unhandled() == 0


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_message_cut_off_is_refused(house: FromFiles, share: float) -> None:
    """What is cut off, with a Content-Length that fits, is refused as a whole."""
    made = parties.composed()
    house.refuses(
        Composed(headers=made.headers, body=made.body[: int(len(made.body) * share)], mic="", digest="sha256")
    )
    assert list(house.spool.glob("*")) == []


def test_a_bomb_is_refused_in_bounds(house: FromFiles) -> None:
    """What expands beyond the limit is given up there, and what was written of it is gone."""
    house.limit(expanded_bytes=2**20)
    house.refuses(attack.sealed(attack.compressed_data(attack.bomb(30 * 2**20))))
    assert list(house.spool.glob("*")) == []


class _Waiting(InlineTasks):
    """Tasks whose threads begin when told to."""

    def __init__(self) -> None:
        super().__init__(MemoryReactorClock())
        self.jobs: list[Any] = []

    async def in_thread(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Wait."""
        done: Deferred[Any] = Deferred()
        self.jobs.append((done, lambda: function(*args, **kwargs)))
        return await done


@pytest.fixture
def no_garbage() -> Iterator[None]:
    """A cancelled coroutine is gone before the next test."""
    yield
    gc.collect()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.usefixtures("no_garbage")
def test_a_message_given_up_leaves_no_file(house: FromFiles, moment: str) -> None:
    """Cancelled while it waits for a thread, or when the thread is done and nobody has taken what it made."""
    tasks = _Waiting()
    object.__setattr__(house.parts, "tasks", tasks)
    waiting = outcome(_posting(house))
    (done, job), *_ = tasks.jobs
    if moment == "after":
        job()
        assert list(house.spool.glob("*")) != []
    done.cancel()
    if moment == "before":
        with pytest.raises(CancelledError):
            job()
    assert list(house.spool.glob("*")) == []
    assert waiting


async def _posting(house: FromFiles) -> None:
    made = parties.composed(payload=os.urandom(300_000))
    spool = Spool(house.spool)
    spool.write(made.body)
    await house.listener._take(Posted(fields=parties.fields(made), caller=NOBODY, body=spool, size=len(made.body)))
