"""What is usually behind an AS2 message that does not arrive, and what to do: by what was answered."""

from collections.abc import Mapping, Sequence

from gateway.errors import GatewayError

NO_ANSWER = (
    "the partner sends its MDNs on a connection of their own: ask it for synchronous ones, or set mdn.mode to async",
    "it sends none at all: ask it to, without MDN nothing is proved",
    "the address is not that of its AS2 server: compare `url` with its sheet, the path too",
)

_ERRORS: Mapping[str, Sequence[str]] = {
    "did not answer within": (
        "its server takes the message and works on it before it answers: raise `timeout` of the endpoint",
        "a firewall or a proxy between lets the connection come about and keeps the data",
    ),
    "cannot be reached": (
        "its server ends the connection: it may not know our address, or speak TLS on that port only, or not",
        "it wants a TLS client certificate: see tls.certificate and tls.key",
    ),
    "proxy": ("the proxy does not let us through: compare its address, user and password with what its keeper says",),
}

_STATUSES: Mapping[int, Sequence[str]] = {
    400: ("its server takes it for no AS2 message: is `url` its AS2 address, with the path?",),
    401: ("it asks for a user and password: set `user` and `password` of the endpoint",),
    403: (
        "it does not let our address or client certificate in: tell it the address that ours leaves by",
        "a firewall for web applications stops it: the partner must except its AS2 path",
    ),
    404: ("the path is wrong: compare `url` with its sheet, upper and lower case included",),
    405: ("the address takes no POST: it is that of another page of its server",),
    413: ("its server takes smaller messages only: it must raise its limit",),
}
_REDIRECTED = ("the address has moved: ask the partner to confirm the new one, then change `url`",)
_SERVER = (
    "its server is down or broken at this moment: try again later, then send it the time and the Message-ID",
    "it fails on something in the message: try `compress: false`, then `padding: pkcs1`, one at a time",
)

_MDNS: Mapping[str, Sequence[str]] = {
    "authentication-failed": (
        "it does not have our certificate, or has an old one: send it our sheet (`gateway partner sheet`)",
        "it does not know our AS2 name: compare both, letter by letter, upper and lower case included",
    ),
    "unknown-trading": ("it has not set us up under these two AS2 names: compare both, letter by letter",),
    "decryption-failed": (
        "we encrypt to a certificate whose key it does not use: ask which one it uses, then `gateway cert list`",
        "it does not know the cipher or key transport: set `encrypt: aes128-cbc` and `key_transport: pkcs1`",
    ),
    "integrity-check-failed": (
        "something between changes messages, or it checks another form: try `compress: false`, then `after-signing`",
    ),
    "insufficient-message-security": ("it wants it signed or encrypted: `sign` and `encrypt` must not be none",),
    "decompression-failed": ("it cannot expand what we compress: set `compress: false`",),
    "unsupported": (
        "it does not know an algorithm of ours: set `encrypt: aes128-cbc`, `key_transport: pkcs1`, `compress: false`",
        "it does not know that of our signature: set `sign: sha256`, `padding: pkcs1`",
    ),
    "filename": ("it takes no second file of the same name: try it again under another, or ask it to except tests",),
    "duplicate": ("it takes the message for one it has already: ask it how it tells them apart",),
    "not signed": (
        "it does not know our AS2 name or our certificate: its text above says more; send it our sheet",
        "its product never signs MDNs: set `mdn: {signed: false}`, and nothing is proved to others",
    ),
    "with none of the partner's certificates": (
        "it signs with a certificate we do not have, usually its next one: ask for it, then `gateway cert import`",
    ),
    "the signature is not accepted": (
        "something between changes its answers; the causes found out stand above",
        "it signs with another key under the same certificate name: ask for its certificate in use",
    ),
    "MIC of the MDN": (
        "something between changes messages, as a proxy or a virus scanner: compare what left with what came",
        "it computes the MIC over another form: try `compress: false`, then `compress: after-signing`",
    ),
    "another message": ("a proxy or its product mixes answers: show it both Message-IDs",),
    "no MDN": NO_ANSWER,
    "not an MDN": (
        "the address is that of a page for people, not of its AS2 server: compare `url` with its sheet, the path too",
        "something between answers in its place: a proxy, or a page to log in at",
    ),
}


def about_error(error: GatewayError) -> Sequence[str]:
    """Of an error before there was an answer."""
    return _matching(_ERRORS, str(error))


def about_answer(status: int) -> Sequence[str]:
    """Of an HTTP status that is no success."""
    if 300 <= status < 400:
        return _REDIRECTED
    return _STATUSES.get(status, _SERVER if status >= 500 else ("ask the partner what its server misses",))


def about_mdn(text: str) -> Sequence[str]:
    """Of an MDN: its disposition, or why it is not accepted."""
    return _matching(_MDNS, text)


def _matching(table: Mapping[str, Sequence[str]], text: str) -> Sequence[str]:
    return next((causes for words, causes in table.items() if words in text), ())
