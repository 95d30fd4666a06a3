"""The rule kind `checkdigit`: an identifier has the length and the check digit of its scheme."""

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from pydantic import Field

from gateway.config.model import RuleSettings
from gateway.language import say
from gateway.rules.base import Hit, Subject
from gateway.rules.settings import Rule, TermHere
from gateway.rules.values import label, shown, value
from gateway.terms import as_text

LA_POSTE = "356000000"
LONGEST_LUHN = 40
IBAN_LENGTHS = (15, 34)


class CheckDigit(Rule):
    """A term whose value, when there is one, must be a valid identifier of `scheme`."""

    kind: Literal["checkdigit"]
    term: TermHere = Field(description="term to look at")
    scheme: Literal["gln", "gtin", "sscc", "siren", "siret", "luhn", "iban", "vat-fr"] = Field(
        description="what the identifier is"
    )


def check(settings: RuleSettings, subject: Subject) -> Iterator[Hit]:
    """A hit when length, characters or check digit are wrong."""
    assert isinstance(settings, CheckDigit)
    found = value(subject, settings.term)
    if found is None:
        return
    expected, is_valid = SCHEMES[settings.scheme]
    if not is_valid(as_text(found)):
        yield Hit(
            term=settings.term,
            text=say(
                "{label} is '{found}', which is not {expected}",
                label=label(settings.term),
                found=shown(found),
                expected=say(expected),
            ),
            found=shown(found),
            expected=say(expected),
        )


def _digits(text: str, *lengths: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) in lengths


def gs1(text: str, *lengths: int) -> bool:
    """Modulo 10 with weights 3 and 1 from the right (GS1 General Specifications, section 7.9)."""
    return (
        _digits(text, *lengths)
        and sum(int(digit) * (3 if n % 2 else 1) for n, digit in enumerate(reversed(text))) % 10 == 0
    )


def luhn(text: str, *lengths: int) -> bool:
    """Modulo 10 with doubled digits (ISO/IEC 7812-1, annex B)."""
    lengths = lengths or tuple(range(2, LONGEST_LUHN + 1))
    return (
        _digits(text, *lengths)
        and sum(sum(divmod(int(digit) * (2 if n % 2 else 1), 10)) for n, digit in enumerate(reversed(text))) % 10 == 0
    )


def siret(text: str) -> bool:
    """SIREN, five digits of the establishment; La Poste's establishments have a sum of digits divisible by five."""
    if not luhn(text[:9], 9) or not _digits(text, 14):
        return False
    return luhn(text, 14) or (text[:9] == LA_POSTE and sum(map(int, text)) % 5 == 0)


def iban(text: str) -> bool:
    """Modulo 97 over letters as two digits (ISO 13616-1, ISO/IEC 7064), in the electronic form without spaces."""
    least, most = IBAN_LENGTHS
    if not (text.isascii() and text.isalnum() and text.upper() == text and least <= len(text) <= most):
        return False
    if not (text[:2].isalpha() and text[2:4].isdigit()):
        return False
    return int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97 == 1


def vat_fr(text: str) -> bool:
    """`FR`, a key and the SIREN; a key of two digits is 12 + 3 × (SIREN modulo 97), modulo 97."""
    key, siren = text[2:4], text[4:]
    if text[:2] != "FR" or not (len(key) == 2 and key.isascii() and key.isalnum() and key.upper() == key):
        return False
    return luhn(siren, 9) and (not key.isdigit() or int(key) == (12 + 3 * (int(siren) % 97)) % 97)


SCHEMES: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "gln": ("a GLN (13 digits with check digit)", lambda text: gs1(text, 13)),
    "gtin": ("a GTIN (8, 12, 13 or 14 digits with check digit)", lambda text: gs1(text, 8, 12, 13, 14)),
    "sscc": ("an SSCC (18 digits with check digit)", lambda text: gs1(text, 18)),
    "siren": ("a SIREN (9 digits with check digit)", lambda text: luhn(text, 9)),
    "siret": ("a SIRET (14 digits with check digit)", siret),
    "luhn": ("a number with a Luhn check digit", luhn),
    "iban": ("an IBAN (no spaces, with check digits)", iban),
    "vat-fr": ("a French VAT number (FR, key of two characters, SIREN)", vat_fr),
}
