"""Official directories are taken out of their archives, in older and newer layouts, within limits."""

import json
import zipfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from gateway.app import catalogue
from gateway.cli import main
from gateway.config.load import check
from gateway.errors import Refused
from gateway.formats.edifact import directory_archive, directory_files
from gateway.formats.edifact.directory_archive import find_directory
from gateway.formats.edifact.directory_check import check as check_message
from gateway.formats.edifact.directory_choice import grammar_of
from gateway.formats.edifact.grammar import compile_grammar
from tests.cli_site import small_site
from tests.edifact_grammars import NEW, NEW_MESSAGE, OLD, interchange, parsed, published, zipped

TYPE = ("INVOIC", "D", "96A", "UN")
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(("files", "release"), [(OLD, "D.96A"), (NEW, "D.20B")])
@pytest.mark.parametrize("inner", [True, False])
def test_a_directory_is_found(files: dict[str, str], release: str, inner: bool) -> None:
    """Its tables in zips within the zip, or side by side."""
    found = find_directory(published(files) if inner else zipped(files), "d.zip")
    directory = found.directory
    assert directory.release == release
    assert found.left_out == {}
    assert len(found.sha256) == 64
    assert directory.elements["1004"] == "an..35"
    assert directory.composites["C516"] == "!5025 5004"
    assert directory.segments["BGM"] == "C002 1004"
    assert directory.codes["1001"] == "380 381"
    assert set(directory.messages) == {"INVOIC", "CONTRL"}


def test_the_groups_of_the_segment_table() -> None:
    """Drawn with signs of code page 437 or with plain ones, closed where the table closes them."""
    old, new = find_directory(zipped(OLD), "d.zip"), find_directory(zipped(NEW), "d.zip")
    assert old.directory.messages["INVOIC"] == "BGM!1 ( MOA!1 ( BGM!1 )*5 )*99 UNS!1"
    assert new.directory.messages["INVOIC"] == "BGM!1 ( MOA!1 ( BGM!1 )*5 )!99 UNS!1"
    assert new.directory.segments["MOA"] == "!C516 C516*2"


def test_messages_are_checked_by_it() -> None:
    """As by one that comes with the gateway."""
    grammar = compile_grammar(find_directory(zipped(OLD), "d.zip").directory, "INVOIC")
    assert grammar
    _, [message] = parsed(interchange(("INVOIC:D:96A:UN", ("BGM+999+F1", "MOA+77:1:EUR", "UNS+S"))))
    found = [(each.code, each.severity, each.place) for each in check_message(message, grammar)]
    assert found == [("12", "warning", "segment 3, BGM.1"), ("16", "error", "segment 4, MOA.1.3")]


def test_a_message_that_cannot_be_read_is_left_out() -> None:
    """The others are taken."""
    broken = NEW_MESSAGE.replace("INVOIC", "ORDERS").replace("---------------++", "---------------+++")
    unknown = NEW_MESSAGE.replace("INVOIC", "DESADV").replace("MOA Monetary", "XXX Monetary")
    found = find_directory(zipped({**NEW, "ORDERS_D.20B": broken, "DESADV_D.20B": unknown}), "d.zip")
    assert set(found.directory.messages) == {"INVOIC", "CONTRL"}
    assert found.left_out["ORDERS_D.20B"] == "the segment table of ORDERS ends a group that did not begin"
    assert "names XXX" in found.left_out["DESADV"]


def _linked() -> bytes:
    into = BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        entry = zipfile.ZipInfo("EDED.96A")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    return into.getvalue()


def _packed(method: int) -> bytes:
    into = BytesIO()
    with zipfile.ZipFile(into, "w", method) as archive:
        archive.writestr("EDED.96A", "x" * 100)
    return into.getvalue()


def _nested(depth: int) -> bytes:
    data = zipped(OLD)
    for _ in range(depth):
        data = zipped({"more.zip": data})
    return data


BAD = {
    "nothing": (b"", "is no zip archive"),
    "text": (b"EDED", "is no zip archive"),
    "empty": (zipped({}), "no table of elements"),
    "other": (zipped({"a.txt": "hello", "b.exe": b"\x7fELF"}), "no table of elements"),
    "no-segments": (zipped({each: OLD[each] for each in ("EDED.96A", "EDCD.96A")}), "no table of segments"),
    "no-messages": (zipped({each: OLD[each] for each in OLD if each[0] != "I"}), "found: none"),
    "two": (zipped({**OLD, "ORDERS_D.20B": NEW_MESSAGE.replace("INVOIC", "ORDERS")}), "found: D.20B, D.96A"),
    "up": (zipped({**OLD, "../x": "x"}), "leads out of the archive"),
    "absolute": (zipped({**OLD, "/x": "x"}), "leads out of the archive"),
    "backslash": (zipped({**OLD, "a\\..\\x": "x"}), "leads out of the archive"),
    "link": (_linked(), "leads out of the archive"),
    "deep": (_nested(3), "deeper than 2"),
    "bzip2": (_packed(zipfile.ZIP_BZIP2), "is packed in a way"),
    "cut": (zipped(OLD)[:-40], "is no zip archive"),
    "unusable": (
        zipped({**OLD, "EDED.96A": OLD["EDED.96A"].replace("5004", "5005")}),
        "no message whose tables are whole",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_directory_is_refused(name: str) -> None:
    """Whatever is wrong with it, in words."""
    data, words = BAD[name]
    with pytest.raises(Refused, match="EDI-DIRECTORY") as raised:
        find_directory(data, "d.zip")
    assert words in raised.value.text


@pytest.mark.parametrize(
    ("limit", "most"),
    [("MOST_FILE_BYTES", 500), ("MOST_TAKEN_BYTES", 1500), ("MOST_ENTRIES", 2), ("MOST_ARCHIVE_BYTES", 99)],
)
def test_archives_that_grow_are_refused(monkeypatch: pytest.MonkeyPatch, limit: str, most: int) -> None:
    """By what comes out of them, not by what they say of themselves."""
    monkeypatch.setattr(directory_archive, limit, most)
    with pytest.raises(Refused, match="EDI-DIRECTORY"):
        find_directory(zipped(OLD), "d.zip")


@given(st.binary(max_size=300), st.sampled_from(sorted(OLD)))
def test_any_bytes_are_tables_or_refused(data: bytes, name: str) -> None:
    """In place of a file, in the middle of it, and of the whole archive."""
    middle = OLD[name].encode("latin-1")
    for changed in (data, middle[: len(middle) // 2] + data + middle[len(middle) // 2 :]):
        try:
            assert find_directory(zipped({**OLD, name: changed}), "d.zip").directory.release
        except Refused as refused:
            assert refused.code == "EDI-DIRECTORY"
    try:
        find_directory(data, "d.zip")
    except Refused as refused:
        assert refused.code == "EDI-DIRECTORY"


def test_a_row_that_goes_on_has_its_status_at_the_end() -> None:
    """A table with a row that has none is left out, and so are the messages that need it."""
    text = directory_files.lines(NEW["EDCD.20B"].encode())
    assert directory_files.composites(text)["C516"] == "!5025 5004"
    odd = NEW["EDCD.20B"].replace("named at length                           M", "named at length")
    assert directory_files.composites(directory_files.lines(odd.encode())) == {"C002": "1001"}
    with pytest.raises(Refused, match="names C516"):
        find_directory(zipped({**NEW, "EDCD.20B": odd}), "d.zip")


def test_a_message_of_another_release_is_left_out_of_many() -> None:
    """It is a slip of the pen; two directories in one archive are refused."""
    many = {f"AAAAA{letter}_D.20B": NEW_MESSAGE.replace("INVOIC", f"AAAAA{letter}") for letter in "ABCDEFGHIJ"}
    one = NEW_MESSAGE.replace("INVOIC", "ORDERS").replace("20B", "21A")
    found = find_directory(zipped({**NEW, **many, "ORDERS_D.20B": one}), "d.zip")
    assert found.directory.release == "D.20B"
    assert found.left_out == {"ORDERS": "it is of D.21A"}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A small site."""
    return small_site(tmp_path / "site")


def _run(site: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--site", str(site), "directory", *words])


def test_a_directory_is_imported_listed_and_named(site: Path, tmp_path: Path) -> None:
    """Once; a partner's file takes it by its name, and none that is not there."""
    archive = tmp_path / "d96a.zip"
    archive.write_bytes(published(OLD))
    done = _run(site, "import", str(archive))
    assert done.exit_code == 0, done.output
    assert done.output.startswith("un-d96a  D.96A imported, 2 messages, SHA-256 ")
    assert "is there already" in _run(site, "import", str(archive)).output
    listed = [json.loads(line) for line in _run(site, "list", "--json").output.splitlines()]
    assert [each["name"] for each in listed] == ["d96a", "d01b", "un-d96a"]
    assert listed[-1]["archive"] == "d96a.zip"
    assert "un-d96a" in _run(site, "list").output
    shop = site / "partners" / "shop.yaml"
    for name, problems in (("un-d96a", 0), ("d96a", 0), ("un-d97a", 1), ("../un-d96a", 1)):
        shop.write_text(
            "name: Shop\nendpoints:\n  out: {kind: folder, path: out, direction: out}\n"
            f"receives:\n  invoice:\n    format: edifact\n    options: {{directory: {name}}}\n    route: [out]\n"
        )
        (site / "out").mkdir(exist_ok=True)
        _, told = check(site, catalogue(), now=NOW)
        found = [each for each in told if each.severity == "error"]
        assert len(found) == problems, (name, found)
    assert grammar_of(str(site / "var/directories/un-d96a.json"), TYPE)


def test_a_name_is_taken_once(site: Path, tmp_path: Path) -> None:
    """Not by another content, nor is one of ours."""
    for name, files in (("a.zip", OLD), ("b.zip", NEW)):
        (tmp_path / name).write_bytes(published(files))
    assert _run(site, "import", str(tmp_path / "a.zip"), "--name", "mine").exit_code == 0
    for name in ("mine", "d96a", "none", "../x", "A"):
        done = _run(site, "import", str(tmp_path / "b.zip"), "--name", name)
        assert (done.exit_code, "EDI-DIRECTORY" in done.output) == (1, True), name


def test_a_damaged_directory_is_listed_with_why(site: Path) -> None:
    """And the others with it."""
    shelf = site / "var/directories"
    shelf.mkdir(parents=True)
    (shelf / "un-d96a.json").write_text("{}")
    last = json.loads(_run(site, "list", "--json").output.splitlines()[-1])
    assert (last["name"], "import it again" in last["why"]) == ("un-d96a", True)
    with pytest.raises(Refused, match="import it again"):
        grammar_of(str(shelf / "un-d96a.json"), TYPE)
