"""Objects of bytes between UNO and UNP (ISO 9735-8), and the invoices they are attached to."""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from gateway.finding import Finding, Severity
from gateway.formats.base import ReadDocument
from gateway.invoice import Attachment

MOST_BYTES = 10 * 1024**2
"""Bytes of the largest object that is attached to an invoice, which is in memory and in the store as a whole."""
MOST_WARNINGS = 20
_KINDS = (
    (b"%PDF-", "application/pdf", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
)
"""First bytes, media type and extension of what EN 16931 lets one attach and its first bytes tell."""
_UNSAFE = re.compile(r"[^\w.-]+")


class Package(NamedTuple):
    """One object: its package reference (UNO 0800), what documents call it (S020 0802), and where its bytes lie."""

    reference: str
    name: str
    start: int
    end: int
    number: int


def attached(data: bytes, packages: Sequence[Package], documents: Sequence[ReadDocument]) -> list[ReadDocument]:
    """The documents, with each object at the supporting document (BG-24) whose reference names it.

    One that no document names, that several have the name of, or that is no PDF or picture stays away; every document
    has a warning of it (EDI-PACKAGE).
    """
    contents: dict[str, tuple[Package, bytes, str, str]] = {}
    left: list[Finding] = []
    names = Counter(each.name for each in packages)
    called = {each.id.strip() for read in documents if read.invoice for each in read.invoice.attachments}
    for package in packages:
        why = _unclear(package, names, called)
        if not why:
            found = _content(data[package.start : package.end])
            if found is not None:
                contents[package.name] = (package, *found)
                continue
            why = "it is no PDF, PNG or JPEG, as such or in base64"
        if len(left) < MOST_WARNINGS:
            left.append(_not_attached(package, why))
    return [_with(read, contents, tuple(left)) for read in documents]


def _unclear(package: Package, names: Mapping[str, int], called: set[str]) -> str:
    if not package.name or package.name not in called:
        return "no invoice refers to it"
    if names[package.name] > 1:
        return "several objects have that name"
    if package.end - package.start > MOST_BYTES:
        return f"it has more than {MOST_BYTES} bytes"
    return ""


def _content(raw: bytes) -> tuple[bytes, str, str] | None:
    for data in _readings(raw):
        for sign, media_type, extension in _KINDS:
            if data.startswith(sign):
                return data, media_type, extension
    return None


def _readings(raw: bytes) -> Iterator[bytes]:
    yield raw
    try:
        yield base64.b64decode(b"".join(raw.split()), validate=True)
    except binascii.Error:
        return


def _not_attached(package: Package, why: str) -> Finding:
    named = f" '{package.name[:40]}'" if package.name else ""
    return Finding(
        rule="EDI-PACKAGE",
        severity=Severity.WARN,
        text=f"the object {package.reference[:40]}{named} of the interchange is attached to no invoice: {why}",
        place=f"segment {package.number}",
        fix="take it from the message as it came; ask the sender to name it in RFF+ATS of the invoice it belongs to",
        level="syntax",
    )


def _with(
    read: ReadDocument, contents: dict[str, tuple[Package, bytes, str, str]], left: tuple[Finding, ...]
) -> ReadDocument:
    read = replace(read, warnings=(*read.warnings, *left))
    if read.invoice is None or not contents:
        return read
    attachments: list[Attachment] = []
    places = dict(read.places)
    for index, each in enumerate(read.invoice.attachments, start=1):
        found = contents.get(each.id.strip()) if each.content is None else None
        if found is not None:
            package, data, media_type, extension = found
            filename = f"{_UNSAFE.sub('_', package.name)[:80]}.{extension}"
            each = replace(each, content=data, media_type=media_type, filename=filename)  # noqa: PLW2901
            places[f"BG-24[{index}]/BT-125"] = f"segment {package.number}"
        attachments.append(each)
    return replace(read, invoice=replace(read.invoice, attachments=tuple(attachments)), places=places)
