"""The languages of the people who read findings: sentences are written in English and said in the reader's language.

A sentence stands in the code as an English template; `french` and `french_terms` hold the others. Which language is
spoken is set around a piece of work, like the precision of decimal numbers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

from gateway.language.french import SENTENCES
from gateway.language.french_terms import NAMES

Language = Literal["en", "fr"]

_spoken: ContextVar[Language] = ContextVar("language", default="en")


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Say everything in `language` while the block runs."""
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken() -> Language:
    """The language that is spoken now; English unless `speaking` says otherwise."""
    return _spoken.get()


def say(english: str, **values: object) -> str:
    """The sentence in the language spoken now, its `{placeholders}` filled in; English where it has no translation."""
    template = SENTENCES.get(english, english) if spoken() == "fr" else english
    return template.format(**values)


def term_name(code: str, english: str) -> str:
    """The business name of a term or group in the language spoken now."""
    return NAMES.get(code, english) if spoken() == "fr" else english
