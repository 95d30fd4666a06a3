"""How a notice says what happened, in the language of its reader."""

from collections.abc import Mapping

from gateway.flow import timeline
from gateway.language import Language

TEXTS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "held": "{what} waits for a person.",
        "rejected": "{what} was rejected; its sender must send a corrected one.",
        "duplicate": "{what} was received before; nothing is delivered.",
        "refused": "{what} was refused by the partner.",
        "failed": "{what} could not be delivered.",
        "parked": "{what} was set aside: something unexpected happened.",
        "unreadable": "{what} cannot be read.",
        "proposal": "{what} proposes new certificates; a person decides.",
        "expiring": "The certificate {serial} of {owner} ({role}) is valid until {until}.",
        "digest": "{count} to look at.",
        "test": "This is a test. Nothing happened, and nothing needs to be done.",
    },
    "fr": {
        "held": "{what} attend une personne.",
        "rejected": "{what} a été rejeté ; l'émetteur doit envoyer un document corrigé.",
        "duplicate": "{what} a déjà été reçu ; rien n'est livré.",
        "refused": "{what} a été refusé par le partenaire.",
        "failed": "{what} n'a pas pu être livré.",
        "parked": "{what} a été mis de côté : un événement imprévu s'est produit.",
        "unreadable": "{what} ne peut pas être lu.",
        "proposal": "{what} propose de nouveaux certificats ; une personne décide.",
        "expiring": "Le certificat {serial} de {owner} ({role}) est valable jusqu'au {until}.",
        "digest": "{count} à examiner.",
        "test": "Ceci est un essai. Rien ne s'est produit et il n'y a rien à faire.",
    },
}
FRENCH_KINDS: Mapping[str, str] = {
    "invoice": "facture",
    "credit-note": "avoir",
    "order": "commande",
    "file": "fichier",
    "acknowledgement": "accusé de réception",
    "message": "message",
}
FRENCH_LABELS: Mapping[str, str] = {
    "being processed": "en cours de traitement",
    "held: waits for a person": "retenu : attend une personne",
    "rejected": "rejeté",
    "cancelled": "annulé",
    "duplicate of a document taken before": "doublon d'un document déjà pris",
    "parked: something unexpected happened; replay it": "mis de côté : imprévu ; à rejouer",
    "kept for enrichment": "conservé pour enrichissement",
    "delivered": "livré",
    "delivery parked: something unexpected happened; resend it": "livraison mise de côté : imprévu ; à renvoyer",
    "refused by the partner": "refusé par le partenaire",
    "delivery failed": "livraison échouée",
    "handed over, receipt awaited": "remis, accusé attendu",
    timeline.ACKNOWLEDGEMENT_AWAITED: "remis, accusé fonctionnel attendu",
    "on its way": "en chemin",
    "released, being written": "libéré, en cours d'écriture",
}


def text(language: Language, sentence: str, **values: object) -> str:
    """One of `TEXTS`, filled in."""
    return TEXTS[language][sentence].format(**values)


def kind_of(language: Language, kind: str) -> str:
    """What a document or message is called."""
    return FRENCH_KINDS.get(kind, kind) if language == "fr" else kind


def label_of(language: Language, label: str) -> str:
    """The label of a document; in English where it has no translation."""
    return FRENCH_LABELS.get(label, label) if language == "fr" else label
