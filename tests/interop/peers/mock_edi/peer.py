# mypy: ignore-errors
"""A trading partner made of mock-edi: `peer.py CONFIG.json`, a process of its own.

It takes EDI that is neither signed nor encrypted, answers with MDNs that are not signed, and sends its own documents on.
"""

import json
import sys
import threading
import urllib.request
from pathlib import Path

PEERS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PEERS))

from driver import obey  # noqa: E402
from mockedi.server import Config, make_server  # noqa: E402

CONFIG = json.loads(Path(sys.argv[1]).read_text())
INBOX = Path(CONFIG["inbox"])
OURS = "mock_edi"


def call(path: str, body=None) -> bytes:
    """Ask the control plane of the mock."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{CONFIG['port']}/_mock/{path}", data)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def listed(path: str) -> list[dict]:
    """What the mock lists there."""
    return json.loads(call(path))


def raw(interchange) -> str:
    """A file with the bytes of an interchange."""
    place = INBOX / f"{interchange['id']}.edi"
    place.write_bytes(call(f"interchanges/{interchange['id']}?raw"))
    return str(place)


def of(asked):
    """What the mock knows of a message it was sent, and what its MDN said."""
    named = f"<{asked['message_id']}>"
    interchange = next((each for each in listed("interchanges") if each["message_id"] == named), None)
    mdn = next((each for each in listed("mdns") if each["original_id"] == named), None)
    if interchange is None or mdn is None:
        return {}
    return {
        "status": mdn["disposition"],
        "mic": mdn["mic"],
        "signed": False,
        "encrypted": False,
        "compressed": False,
        "payload": raw(interchange),
    }


def documents(asked):
    """The documents it has sent for an order, as far as they are delivered, and what our MDNs for them said."""
    orders = [each for each in listed("outbox") if each["reference"] in asked["references"]]
    said = {each["original_id"]: each for each in listed("mdns") if each["direction"] == "in"}
    sent = {each["message_id"]: each for each in listed("interchanges")}
    return {
        "waiting": [each for each in orders if each["status"] not in {"delivered", "failed"}],
        "sent": [
            {
                "code": each["code"],
                "status": each["status"],
                "message_id": each["message_id"].strip("<>"),
                "payload": raw(sent[each["message_id"]]),
                "mdn": each["note"],
                "mic": said.get(each["message_id"], {}).get("mic", ""),
            }
            for each in orders
        ],
    }


if __name__ == "__main__":
    server = make_server(Config(host="127.0.0.1", port=CONFIG["port"], as2_id=OURS, strict_receiver=False, quiet=True))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    partner = {"id": CONFIG["gateway_name"], "name": "Gateway", "dialect": "EDIFACT", "version": "D:96A:UN"}
    call("partners", {**partner, "role": "customer", "as2_url": CONFIG["gateway_url"]})
    obey({"of": of, "documents": documents})
    server.shutdown()
