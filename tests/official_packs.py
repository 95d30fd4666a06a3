"""Rule packs for tests: a small stylesheet as a Schematron compiler makes it, and zips of packs."""

import hashlib
import zipfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import yaml

from gateway.official.packs import Pack, Schema, Stylesheet

SHEET = """<?xml version="1.0" encoding="UTF-8"?>
<xsl:stylesheet version="2.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
    xmlns:svrl="http://purl.oclc.org/dsdl/svrl"
    xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
  <xsl:template match="/">
    <svrl:schematron-output>
      BODY
      <xsl:if test="not(//cbc:Note)">
        <svrl:failed-assert id="OUR-01" flag="fatal" location="/*:Invoice[1]">
          <svrl:text>[OUR-01] A note (BT-22) is wanted.</svrl:text>
        </svrl:failed-assert>
      </xsl:if>
    </svrl:schematron-output>
  </xsl:template>
</xsl:stylesheet>
"""


def sheet(body: str = "") -> bytes:
    """A stylesheet that wants a note, with something more in its body."""
    return SHEET.replace("BODY", body).encode()


def pack(name: str, *, since: date, until: date | None = None, profiles: tuple[str, ...] = ()) -> Pack:
    """A pack whose files are not there: for what only looks at names and dates."""
    return Pack(
        id=name,
        title=name,
        syntax="ubl",
        profiles=profiles,
        valid_from=since,
        valid_to=until,
        schema=Schema(roots={}, sha256="0"),
        stylesheets=(Stylesheet(path=Path("none.xslt"), sha256="1"),),
        licence="",
        source="",
    )


def pack_yaml(files: Mapping[str, bytes], /, **more: object) -> bytes:
    """The pack.yaml of a pack with these files."""
    said = {
        "id": "fr.example:ubl:1.0",
        "title": "Example",
        "syntax": "ubl",
        "valid_from": "2026-01-01",
        "stylesheets": [name for name in files if name.endswith(".xslt")],
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        **more,
    }
    return yaml.safe_dump(said).encode()


def zip_of(path: Path, entries: Mapping[str, bytes]) -> Path:
    """A zip file with these entries."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path
