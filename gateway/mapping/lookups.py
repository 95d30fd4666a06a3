"""The lookup tables of a mapping file."""

from collections.abc import Mapping

from gateway.config.catalogue import MappingSource
from gateway.config.problems import shown
from gateway.mapping.problems import Problems


def lookups(
    source: MappingSource, base: MappingSource | None, problems: Problems
) -> Mapping[str, Mapping[str, str]]:  # fmt: skip
    """The tables by name: those of the mapping extended, and over them those of the mapping itself."""
    found: dict[str, Mapping[str, str]] = {}
    for each in (base, source):
        tables = each.data.get("lookups", {}) if each is not None else {}
        if not isinstance(tables, Mapping):
            problems.add(("lookups",), "M103", f"tables by name are expected, not {shown(tables)}")
            continue
        for name, rows in tables.items():
            if not isinstance(rows, Mapping):
                problems.add(("lookups", name), "M103", f"a table of keys and texts is expected, not {shown(rows)}")
                continue
            for key, text in rows.items():
                if not isinstance(text, str):
                    problems.add(("lookups", name, key), "M103", f"a text is expected, not {shown(text)}")
            found[name] = {key: text for key, text in rows.items() if isinstance(text, str)}
    return found
