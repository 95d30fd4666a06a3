"""A process killed in the middle of writing loses nothing that it had answered."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.message import Direction
from gateway.store import events, messages, payloads
from gateway.store.database import Database

PROGRAM = """
import itertools, sys
from dataclasses import replace
from pathlib import Path
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from gateway.message import Direction, Message, MessageState, new_id
from gateway.store import events, messages, payloads
from gateway.store.database import Database
from gateway.store.payloads import Spool
from gateway.store.store import Store

database = Database(sys.argv[1], payloads=Path(sys.argv[2]))
store = Store(database, reactor)

async def sender(name):
    for number in itertools.count():
        content = f"{name} {number} ".encode() * (30_000 if number % 20 == 7 else 10)
        spool = Spool(Path(sys.argv[2]) / "tmp")
        spool.write(content)
        body = spool.finish()
        spool.close()
        def unit(tx):
            message = Message(
                id=new_id(), direction=Direction.IN, channel="as2", endpoint="main", partner=name, peer_id=str(number),
                payload=payloads.put(tx, body), state=MessageState.RECEIVED, created_at=tx.now,
            )
            assert messages.add(tx, message)
            events.append(tx, message.id, actor="node:n1", axis="message", what="received")
        await store.write(unit)
        print(name, number, body.sha256, flush=True)

async def main():
    await store.start()
    for number in range(8):
        Deferred.fromCoroutine(sender(f"p{number}")).addErrback(lambda failure: failure.printTraceback(sys.stderr))

reactor.callWhenRunning(lambda: Deferred.fromCoroutine(main()))
reactor.run()
"""
ANSWERED = 300


@pytest.mark.parametrize("attempt", [1, 2])
def test_what_was_answered_survives_a_kill(database: Database, database_url: str, attempt: int) -> None:
    """Every message that was answered is there with its bytes and its history; nothing is there by half."""
    program = [sys.executable, "-c", PROGRAM, database_url, str(database.payloads)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        answered = [process.stdout.readline().split() for _ in range(ANSWERED * attempt)]
        os.kill(process.pid, signal.SIGKILL)
        answered += [line.split() for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    assert len(answered) >= ANSWERED * attempt
    with database.read() as tx:
        for partner, peer_id, sha256 in answered:
            found = messages.find(tx, direction=Direction.IN, channel="as2", partner=partner, peer_id=peer_id)
            assert found is not None, (partner, peer_id)
            assert found.payload.sha256 == sha256
        page = messages.recent(tx, limit=1000)
        assert len(page) >= len(answered)
        for message in page:
            content = payloads.get(tx, message.payload)
            assert content.startswith(f"{message.partner} {message.peer_id} ".encode())
        assert list(events.verify_all(tx)) == []
    with database.write() as tx:
        assert messages.recent(tx, limit=1)


def test_a_kill_leaves_the_lock_free(tmp_path: Path) -> None:
    """A daemon that was killed does not own the database any more."""
    program = (
        "import sys, time; from pathlib import Path; from gateway.store.database import Database\n"
        "database = Database(sys.argv[1], payloads=Path(sys.argv[2])); database.own(); print('own', flush=True)\n"
        "sys.stdin.read()\n"
    )
    url = f"sqlite:///{tmp_path / 'x.db'}"
    arguments = [sys.executable, "-c", program, url, str(tmp_path)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "own\n"
        os.kill(process.pid, signal.SIGKILL)
    database = Database(url, payloads=tmp_path)
    database.own()
    database.close()
