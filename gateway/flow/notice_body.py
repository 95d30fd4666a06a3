"""What a notice holds: JSON of a documented shape, made when it is sent of how things stand then."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.config.model import Notice
from gateway.config.snapshot import Snapshot
from gateway.finding import Finding
from gateway.flow.notice_words import kind_of, label_of, text
from gateway.flow.timeline import label
from gateway.language import Language
from gateway.message import Document, Message
from gateway.store import deliveries, documents, messages
from gateway.store.database import NotFound, Tx
from gateway.store.notices import Told

VERSION = 1
MOST_FINDINGS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is to be told, with the document or message it is about as it stands now (None: gone, or a certificate)."""

    told: Told
    document: Document | None = None
    message: Message | None = None
    label: str = ""


def see(tx: Tx, items: Sequence[Told]) -> list[Seen]:
    """Look at what is to be told."""
    return [_seen(tx, each) for each in items]


def _seen(tx: Tx, item: Told) -> Seen:
    if item.kept:
        return Seen(told=item)
    try:
        document = documents.get(tx, item.subject)
    except NotFound:
        try:
            return Seen(told=item, message=messages.get(tx, item.subject))
        except NotFound:
            return Seen(told=item)
    said = label(document, tuple(deliveries.of_document(tx, document.id)))
    return Seen(told=item, document=document, label=said)


def language_of(settings: Notice, snapshot: Snapshot) -> Language:
    """The language of a notice."""
    return settings.language or snapshot.settings.organisation.language


def one(seen: Seen, settings: Notice, snapshot: Snapshot) -> bytes:
    """The body of a notice about one thing."""
    item, document, message = seen.told, seen.document, seen.message
    language = language_of(settings, snapshot)
    body: dict[str, Any] = {
        **_head("notice", item.id, settings, item.at),
        "kind": item.kind,
        "text": _sentence(seen, language),
        "why": item.data.get("why", ""),
        "actor": item.data.get("actor", ""),
        "document": None,
        "message": None,
        "certificate": None,
        "findings": [],
        "findings_total": 0,
        "links": {"command": _command(seen)},
    }
    if document is not None:
        body["document"] = _document(document, snapshot) | {"label": label_of(language, seen.label)}
        body["findings"] = [each.told() for each in document.findings[:MOST_FINDINGS]]
        body["findings_total"] = len(document.findings)
    elif message is not None:
        body["message"] = {
            "id": message.id,
            "state": message.state,
            "file": message.filename,
            "channel": message.channel,
            "partner": _partner(message.partner, snapshot),
        }
    elif item.kept:
        body["certificate"] = {name: item.data[name] for name in ("role", "owner", "serial", "until")}
    return _json(body)


def digest(items: Sequence[Seen], settings: Notice, snapshot: Snapshot, *, id: str) -> bytes:  # noqa: A002  # its word
    """The body of a digest: what happened, grouped by partner and rule, each group with its first documents.

    What has findings of several rules stands in several groups.
    """
    language = language_of(settings, snapshot)
    groups: dict[tuple[str, str, str], dict[str, Any]] = {}
    kinds: dict[str, int] = {}
    for seen in items:
        kinds[seen.told.kind] = kinds.get(seen.told.kind, 0) + 1
        partner = _concerns(seen)
        for rule, finding in _rules(seen):
            group = groups.setdefault(
                (partner, seen.told.kind, rule),
                {
                    "partner": _partner(partner, snapshot) if partner else None,
                    "kind": seen.told.kind,
                    "rule": rule,
                    "severity": finding.severity if finding else None,
                    "owner": finding.owner if finding else None,
                    "name": finding.name if finding else "",
                    "count": 0,
                    "first": [],
                },
            )
            group["count"] += 1
            if len(group["first"]) < settings.first:
                group["first"].append(_line(seen, finding, language))
    ordered = sorted(groups.items(), key=lambda each: (each[0][0], -each[1]["count"], each[0]))
    at = max(each.told.wanted_at for each in items)
    return _json(
        {
            **_head("digest", id, settings, at),
            "text": text(language, "digest", count=len(items)),
            "from": _iso(min(each.told.at for each in items)),
            "to": _iso(max(each.told.at for each in items)),
            "count": len(items),
            "kinds": kinds,
            "groups": [group for _, group in ordered],
            "links": {"command": "gateway list --held"},
        }
    )


def sample(settings: Notice, snapshot: Snapshot, *, id: str, at: datetime) -> bytes:  # noqa: A002  # its word
    """A notice that says it is a test, of the shape of every other."""
    return _json(
        {
            **_head("test", id, settings, at),
            "text": text(language_of(settings, snapshot), "test"),
            "links": {"command": "gateway status"},
        }
    )


def _head(type: str, id: str, settings: Notice, at: datetime) -> dict[str, Any]:  # noqa: A002  # the words of the body
    return {"version": VERSION, "type": type, "id": id, "notice": settings.name, "at": _iso(at)}


def _rules(seen: Seen) -> list[tuple[str, Finding | None]]:
    findings = seen.document.findings if seen.document else ()
    first: dict[str, Finding | None] = {}
    for each in findings:
        first.setdefault(each.rule, each)
    return list(first.items()) or [("", None)]


def _line(seen: Seen, finding: Finding | None, language: Language) -> dict[str, Any]:
    document = seen.document
    return {
        "id": seen.told.subject,
        "at": _iso(seen.told.at),
        "number": document.number if document else None,
        "kind": document.kind if document else None,
        "label": label_of(language, seen.label),
        "text": finding.text if finding else _sentence(seen, language),
        "command": _command(seen),
    }


def _sentence(seen: Seen, language: Language) -> str:
    item = seen.told
    if item.kept:
        return text(language, "expiring", **{**item.data, "until": item.data["until"][:10]})
    sentence = "proposal" if item.kind == "certificate" else item.kind
    if seen.document is not None:
        kind, name = kind_of(language, seen.document.kind), seen.document.number or seen.document.id
    elif seen.message is not None:
        kind, name = kind_of(language, "message"), seen.message.filename or seen.message.id
    else:
        kind, name = kind_of(language, "message"), item.subject
    said = f"{kind} {name}"
    return text(language, sentence, what=said[:1].upper() + said[1:])


def _command(seen: Seen) -> str:
    if seen.told.kept:
        return "gateway cert list"
    return "gateway cert proposals" if seen.told.kind == "certificate" else f"gateway show {seen.told.subject}"


def _concerns(seen: Seen) -> str:
    if seen.document is not None:
        return seen.document.partner or seen.document.sender
    return seen.message.partner if seen.message else seen.told.data.get("owner", "")


def _document(document: Document, snapshot: Snapshot) -> dict[str, Any]:
    return {
        "id": document.id,
        "number": document.number,
        "kind": document.kind,
        "format": document.format,
        "state": document.state,
        "partner": _partner(document.partner, snapshot) if document.partner else None,
        "sender": _partner(document.sender, snapshot),
    }


def _partner(name: str, snapshot: Snapshot) -> dict[str, str]:
    known = snapshot.partners.get(name)
    return {"id": name, "name": known.name if known else name}


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
