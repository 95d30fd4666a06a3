"""Proposes."""


def propose(data: bytes, form: str | None) -> str:
    raise NotImplementedError
