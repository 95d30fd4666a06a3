"""JSON Schemas of the configuration files, for editors: they complete keys and mark mistakes while one types."""

from collections.abc import Mapping
from typing import Any

from gateway.config.catalogue import Catalogue
from gateway.config.models import models

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_ANY_MAPPING: Mapping[str, Any] = {
    "title": "Mapping",
    "description": "How documents of one format are read or written; docs/reference/mapping-language.md has the whole language.",
    "type": "object",
    "properties": {
        "extends": {"type": "string", "description": "mapping whose entries hold where this one has none"},
        "reads": {"type": "string", "description": "format it reads"},
        "writes": {"type": "string", "description": "format it writes"},
    },
}


def schemas(catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """The schemas by name: `gateway`, `partner` and `mapping`."""
    made = models(catalogue)
    partner = made.partner.model_json_schema()
    definitions = partner["$defs"]
    for facts in catalogue.formats.values():
        own = facts.options.model_json_schema(ref_template="#/$defs/{model}")
        definitions.update(own.pop("$defs", {}))
        definitions[facts.options.__name__] = own
    for name in ("Sends", "Receives"):
        definitions[name]["allOf"] = [
            {
                "if": {"properties": {"format": {"const": key}}, "required": ["format"]},
                "then": {"properties": {"options": {"$ref": f"#/$defs/{facts.options.__name__}"}}},
            }
            for key, facts in sorted(catalogue.formats.items())
        ]
    return {
        "gateway": {"$schema": DIALECT, **made.gateway.model_json_schema()},
        "partner": {"$schema": DIALECT, **_lenient(partner)},
        "mapping": {"$schema": DIALECT, **_lenient(catalogue.mapping_schema or _ANY_MAPPING)},
    }


def _lenient(schema: Any) -> Any:
    """The same schema with numbers taken for text: YAML editors type `0123`, the gateway takes it as written."""
    if isinstance(schema, list):
        return [_lenient(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    lenient = {key: _lenient(value) for key, value in schema.items()}
    if lenient.get("type") == "string" and not {"format", "pattern"} & lenient.keys():
        lenient["type"] = ["string", "number"]
    return lenient
