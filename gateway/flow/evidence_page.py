"""The page that goes with evidence: what its files are, and how they are checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_END = """\
The commands verify signatures, not whose the certificates are: compare their fingerprints with what the partner has told
you (openssl x509 -noout -fingerprint -sha256 -in FILE).

A line of history.jsonl holds the hash of the line before it: its own is SHA-256 over the JSON list of its fields, as
`gateway verify-history` computes it. Whoever keeps a hash elsewhere can prove that nothing before it was changed.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A command that checks the files, run in their directory; `shows` is what it prints when all is well."""

    what: str
    command: str
    shows: str = ""


@dataclass(slots=True, kw_only=True)
class Evidence:
    """Files by their path, the commands that check them, and what a reader must know, in words."""

    files: dict[str, bytes] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def readme(evidence: Evidence) -> str:
    """The page that says what the files are and how they are checked."""
    lines = ["EVIDENCE OF MESSAGES", "", "What it is about", ""]
    lines += [f"* {note}" for note in evidence.notes]
    lines += ["", "Files", ""]
    lines += [f"* {name}: {_ABOUT.get(_kind(name), 'a copy')}" for name in sorted(evidence.files)]
    lines += ["", "How to check it (in this directory, with OpenSSL 3)", ""]
    for check in evidence.checks:
        lines += [f"* {check.what}:", "", f"    {check.command}", f"    shows: {check.shows}", ""]
    return "\n".join([*lines, _END])


def _kind(name: str) -> str:
    base = name.rpartition("/")[2]
    if base.endswith((".pem", "-content.bin", "-signature.der")):
        return base.rpartition("-")[2]
    return "mdn.eml" if base.startswith("mdn-") else base


_ABOUT: Mapping[str, str] = {
    "history.jsonl": "every line of the history, oldest first, with its hash",
    "payload.bin": "the document as it was sent or received",
    "signed.eml": "what the sender signed, with the signature, as it came",
    "answer.eml": "what we answered, as it went out",
    "mdn.eml": "the MDN of the partner, whole, as it came",
    "covered.bin": "what the MIC covers, made anew from the payload",
    "content.bin": "what is signed, byte for byte",
    "signature.der": "the signature over it (CMS)",
    "partner.pem": "certificates of the partner that are listed now",
    "own.pem": "our certificates that are listed now",
    "signer.pem": "certificates inside the signature",
}
