"""What is exchanged with each peer: the relations of the site, one for every way to protect a message."""

from collections.abc import Mapping
from typing import Any

from tests.interop.gateway_site import ASYNC_READY, Relation

WEAK = ("sha1", "3des-cbc")
TEXT = {"content_type": "application/edifact"}

# Settings of our endpoint towards a peer, by the end of its AS2 name. Everything is signed and encrypted with SHA-256
# and AES-256-CBC unless said otherwise.
PYTHON_OUTBOUND: Mapping[str, Mapping[str, Any]] = {
    "binary": {"compress": False},
    "compressed": {},
    "uncompressed": {"compress": False, **TEXT},
    "compressed-after": {"compress": "after-signing", **TEXT},
    "sha384-aes192": {"sign": "sha384", "encrypt": "aes192-cbc", "compress": False},
    "sha512-aes128": {"sign": "sha512", "encrypt": "aes128-cbc"},
    "signed-only": {"encrypt": "none"},
    "signed-only-uncompressed": {"encrypt": "none", "compress": False, **TEXT},
    "unsigned-mdn": {"mdn": {"signed": False}},
}
PYAS2LIB_OUTBOUND = {
    **PYTHON_OUTBOUND,
    "pss": {"padding": "pss"},
    "oaep": {"key_transport": "oaep-sha1"},
}
LIBAS2_OUTBOUND: Mapping[str, Mapping[str, Any]] = {
    "uncompressed": {"compress": False, **TEXT},
    "sha384-aes192": {"compress": False, "sign": "sha384", "encrypt": "aes192-cbc", **TEXT},
    "sha512-aes128": {"compress": False, "sign": "sha512", "encrypt": "aes128-cbc", **TEXT},
    "oaep-sha1": {"compress": False, "key_transport": "oaep-sha1", **TEXT},
    "oaep-sha256": {"compress": False, "key_transport": "oaep-sha256", **TEXT},
    "oaep-sha512": {"compress": False, "key_transport": "oaep-sha512", **TEXT},
}
OPENSSL_OUTBOUND: Mapping[str, Mapping[str, Any]] = {
    "cbc": {"compress": False},
    "compressed": {},
    "compressed-after": {"compress": "after-signing"},
    "sha384-aes192": {"compress": False, "sign": "sha384", "encrypt": "aes192-cbc", "key_transport": "oaep-sha384"},
    "sha512-aes128": {"compress": False, "sign": "sha512", "encrypt": "aes128-cbc", "key_transport": "oaep-sha512"},
    "gcm256": {"compress": False, "encrypt": "aes256-gcm", "key_transport": "oaep-sha256"},
    "gcm192": {"encrypt": "aes192-gcm", "key_transport": "oaep-sha1"},
    "gcm128": {"encrypt": "aes128-gcm"},
    "pss": {"compress": False, "padding": "pss"},
    "ec": {"compress": False, "identity": "ec", "sign": "sha384"},
    "signed-only": {"compress": False, "encrypt": "none"},
    "encrypted-only": {"compress": False, "sign": "none"},
    "plain": {"compress": False, "sign": "none", "encrypt": "none"},
    "unsigned-mdn": {"mdn": {"signed": False}},
}
INBOUND: Mapping[str, Mapping[str, Any]] = {
    "in": {"accept": WEAK},
    "in-lenient": {"require": {"signed": False, "encrypted": False}},
}
PLAIN: Mapping[str, Any] = {
    "sign": "none",
    "encrypt": "none",
    "compress": False,
    "mdn": {"signed": False},
    "require": {"signed": False, "encrypted": False},
    **TEXT,
}
ASYNC: Mapping[str, Any] = {"mdn": {"mode": "async"}, "compress": False, **TEXT}


def relations(ports: Mapping[str, int]) -> list[Relation]:
    """All partners of the site; `ports` are those of the peers by name."""
    made: list[Relation] = []
    for peer, path, outbound in (
        ("pyas2lib", "as2", PYAS2LIB_OUTBOUND),
        ("django_pyas2", "pyas2/as2receive", PYTHON_OUTBOUND),
        ("libas2", "as2", LIBAS2_OUTBOUND),
        ("openssl", "as2", OPENSSL_OUTBOUND),
    ):
        url = f"http://127.0.0.1:{ports[peer]}/{path}"
        late = {"async": ASYNC} if ASYNC_READY else {}
        for end, endpoint in {**outbound, **INBOUND, **late}.items():
            made.append(Relation(name=f"{peer}-{end}", url=url, certificate="peer", endpoint=endpoint))
    ec = {"identity": "ec", "padding": "pss"}
    made.append(Relation(name="openssl-in-ec", url="http://127.0.0.1:9/as2", certificate="peer-ec", endpoint=ec))
    plain = f"http://127.0.0.1:{ports['mock_edi']}/as2"
    made.append(Relation(name="mock_edi", url=plain, certificate="peer", endpoint={**PLAIN, "accept": ["sha1"]}))
    made.append(Relation(name="mock_edi-strict", url=plain, certificate="peer", endpoint=PLAIN))
    made.append(Relation(name="mock_edi-signed", url=plain, certificate="peer", endpoint={}))
    made.append(Relation(name="quirks", url="http://127.0.0.1:9/as2", certificate="peer", endpoint={}))
    return made
