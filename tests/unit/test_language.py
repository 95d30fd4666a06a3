"""Findings in French: every sentence and every name is there, and says the same with the same values."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gateway
from gateway.language import say, speaking, spoken, term_name
from gateway.language.french import SENTENCES
from gateway.language.french_terms import NAMES
from gateway.rules.checkdigit import SCHEMES
from gateway.terms import GROUPS, TERMS
from tests.unit.rule_samples import facts, found, invoice, line, rule

ROOMS = ("rules", "enrichment")


def _said() -> Iterator[str]:
    """Every text in a call of `say`, or in a module that calls it, that looks like a sentence of it."""
    yield from (words for words, _ in SCHEMES.values())
    for room in ROOMS:
        for file in sorted((Path(gateway.__file__).parent / room).glob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                    for inner in ast.walk(node.args[0]):
                        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                            yield inner.value
                elif (
                    isinstance(node, ast.Assign)
                    and any(
                        isinstance(target, ast.Name) and target.id in {"sentence", "text"} for target in node.targets
                    )
                    and isinstance(node.value, ast.Constant)
                    and isinstance(node.value.value, str)
                ):
                    yield node.value.value


def _placeholders(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text)} - {None}


@pytest.mark.parametrize("sentence", sorted(set(_said())))
def test_every_sentence_is_there_in_french(sentence: str) -> None:
    """What rules and enrichment say has a translation."""
    assert sentence in SENTENCES


@pytest.mark.parametrize("sentence", SENTENCES)
def test_translations_have_the_same_values(sentence: str) -> None:
    """The placeholders are the same in both languages."""
    assert _placeholders(sentence) == _placeholders(SENTENCES[sentence])


def test_every_term_and_group_has_a_french_name() -> None:
    """The names are those of all terms, and no two terms of one kind of thing are confused."""
    assert NAMES.keys() >= TERMS.keys() | GROUPS.keys()
    assert all(name.strip() == name and name for name in NAMES.values())


def test_a_language_is_spoken_for_a_while() -> None:
    """Inside the block French is spoken, outside English, also after an exception."""
    with speaking("fr"):
        assert spoken() == "fr"
        assert say("at least {number}", number=3) == "au moins 3"
        assert term_name("BT-13", "x") == "Référence du bon de commande"
    with pytest.raises(ZeroDivisionError), speaking("fr"):
        raise ZeroDivisionError
    assert say("at least {number}", number=3) == "at least 3"
    assert say("no sentence of ours {number}", number="{x}") == "no sentence of ours {x}"


def test_findings_are_in_the_language_spoken() -> None:
    """Text and business name are in French, also of what is found on several lines."""
    document = invoice(lines=(line(1, unit=None), line(2, unit=None)))
    with speaking("fr"):
        (hit,) = found("require", document, each="BG-25", terms="BT-130")
    assert hit.name == "Code de l'unité de mesure de la quantité facturée"
    assert hit.text == f"{hit.name} (BT-130) : valeur absente (lignes 1–2)"


def test_a_rule_says_its_own_words_in_both_languages() -> None:
    """`say` and `fix` may be given in each; a language that lacks is spoken in the other."""
    words: dict[str, Any] = {
        "terms": "BT-9",
        "say": {"en": "no {term}", "fr": "pas de {term}"},
        "fix": {"fr": "ajoutez"},
    }
    (english,) = found("require", known=facts(), **words)
    assert (english.text, english.fix) == ("no BT-9", "ajoutez")
    with speaking("fr"):
        (french,) = found("require", known=facts(), **words)
    assert (french.text, french.fix) == ("pas de BT-9", "ajoutez")
    plain = rule("require", terms="BT-9", fix="x").fix
    assert plain is not None
    assert plain.spoken_in("fr") == "x"
