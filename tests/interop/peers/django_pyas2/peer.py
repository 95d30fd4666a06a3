# mypy: ignore-errors
"""An AS2 peer made of django-pyas2: `peer.py CONFIG.json`, a process of its own with a database in its inbox.

Messages and MDNs come to /pyas2/as2receive. An organisation is made for every AS2 name of a message to it.
"""

import json
import re
import sys
import threading
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

PEERS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PEERS / "oscrypto_shim"), str(PEERS)]

import django  # noqa: E402
from django.conf import settings  # noqa: E402
from driver import Record, obey  # noqa: E402

CONFIG = json.loads(Path(sys.argv[1]).read_text())
INBOX = Path(CONFIG["inbox"])
settings.configure(
    SECRET_KEY="interop",
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "pyas2"],
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": INBOX / "db.sqlite3", "OPTIONS": {"timeout": 60}}
    },
    MEDIA_ROOT=str(INBOX),
    ROOT_URLCONF=__name__,
    DATA_UPLOAD_MAX_MEMORY_SIZE=None,
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=True,
    PYAS2={"MDN_URL": f"http://127.0.0.1:{CONFIG['port']}/pyas2/as2receive"},
)
django.setup()

from django.core.files.base import ContentFile  # noqa: E402
from django.core.files.storage import default_storage  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402
from pyas2.models import Message, MessageManager, Organization, Partner, PrivateKey, PublicCertificate  # noqa: E402

urlpatterns = [path("pyas2/", include("pyas2.urls"))]
mics = Record()
_keep = MessageManager.create_from_as2message


def keep_with_mic(manager, as2message, **values):
    """Keep a message, and its MIC, for which django-pyas2 has a column it leaves empty."""
    mics.note(as2message.message_id, mic=(as2message.mic or b"").decode())
    return _keep(manager, as2message=as2message, **values)


MessageManager.create_from_as2message = keep_with_mic


class Server(ThreadingMixIn, WSGIServer):
    """A thread for every connection."""

    daemon_threads = True


class Silent(WSGIRequestHandler):
    """Nothing for every request."""

    def log_message(self, *arguments) -> None:
        """Say nothing."""


def keys():
    """The key of this peer and the certificate of the gateway."""
    key = Path(CONFIG["key"]).read_bytes() + Path(CONFIG["certificate"]).read_bytes()
    theirs = Path(CONFIG["gateway_certificate"]).read_bytes()
    own, _ = PrivateKey.objects.get_or_create(name="own", defaults={"key": key, "key_pass": ""})
    certificate, _ = PublicCertificate.objects.get_or_create(name="gateway", defaults={"certificate": theirs})
    return own, certificate


def know(asked):
    """Know an AS2 name as one's own, and what messages to the gateway under it are like."""
    own, certificate = keys()
    Organization.objects.update_or_create(
        as2_name=asked["from"], defaults={"name": asked["from"], "encryption_key": own, "signature_key": own}
    )
    Partner.objects.update_or_create(
        as2_name=CONFIG["gateway_name"],
        defaults={
            "name": "gateway",
            "target_url": CONFIG["gateway_url"],
            "content_type": asked.get("content_type", "application/edi-consent"),
            "compress": asked.get("compress", False),
            "encryption": asked.get("encrypt") or None,
            "encryption_cert": certificate,
            "signature": asked.get("sign") or None,
            "signature_cert": certificate,
            "mdn": True,
            "mdn_mode": asked.get("mdn", "sync").upper(),
            "mdn_sign": asked.get("mdn_sign") or None,
        },
    )
    return {}


def send(asked):
    """Send a message with the command of django-pyas2."""
    know(asked)
    name = default_storage.save(asked["filename"], ContentFile(Path(asked["file"]).read_bytes()))
    before = set(Message.objects.values_list("pk", flat=True))
    call_command("sendas2message", asked["from"], CONFIG["gateway_name"], name)
    return of_message(Message.objects.exclude(pk__in=before).get(direction="OUT"))


def of(asked):
    """What is known of a message."""
    found = Message.objects.filter(message_id=asked["message_id"]).first()
    return of_message(found) if found else {}


def of_message(message):
    """The row of a message, with what its MDN said."""
    state = {"S": "processed", "P": "pending"}.get(message.status, "error")
    mdn = getattr(message, "mdn", None)
    facts = {
        "message_id": message.message_id,
        "detail": message.detailed_status or "",
        "mic": mics.of(message.message_id).get("mic", ""),
        "signed": message.signed,
        "encrypted": message.encrypted,
        "compressed": message.compressed,
    }
    if message.direction == "IN":
        return {**facts, "status": state, "payload": message.payload.path, "mdn_sent": mdn.status if mdn else ""}
    found = re.search(
        rb"^Received-Content-MIC: *([^,]+)", mdn.payload.read() if mdn else b"", re.IGNORECASE | re.MULTILINE
    )
    return {
        **facts,
        "mdn_status": state,
        "mdn_detail": facts["detail"],
        "mdn_digest": "signed" if mdn and mdn.signed else None,
        "mdn_mic": found[1].decode() if found else "",
    }


def async_mdns(_asked):
    """Send the asynchronous MDNs that are due."""
    call_command("manageas2server", async_mdns=True)
    return {}


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    server = make_server("127.0.0.1", CONFIG["port"], get_wsgi_application(), Server, Silent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    obey({"know": know, "send": send, "of": of, "async-mdns": async_mdns})
    server.shutdown()
