"""A site becomes a snapshot, or every problem."""

from pathlib import Path

import pytest

from gateway.config.load import load
from gateway.errors import ConfigRefused
from tests.config_kinds import CATALOGUE, GATEWAY, NOW, look, said, site

PARTNER = "name: A\nendpoints:\n  m: {kind: line, url: x}\n"


def test_a_site_becomes_a_snapshot(tmp_path: Path) -> None:
    """Version, hash, time and every file of it are in the snapshot; paths are those of the site."""
    site(tmp_path, partners__a=PARTNER + "  d: {kind: dish, path: var/in}\n", partners__b="name: B\n")
    snapshot = load(tmp_path, CATALOGUE, now=NOW, version=7, environment={})
    assert (snapshot.version, snapshot.loaded_at, snapshot.root) == (7, NOW, tmp_path)
    assert list(snapshot.partners) == ["a", "b"]
    assert snapshot.partners["a"].endpoints["d"].path == tmp_path / "var/in"  # type: ignore[attr-defined]
    assert snapshot.settings.database.payloads == tmp_path / "var/payloads"
    assert list(snapshot.files) == ["gateway.toml", "partners/a.yaml", "partners/b.yaml"]
    assert len(snapshot.hash) == 64


def test_the_hash_covers_every_file_that_is_named(tmp_path: Path) -> None:
    """A change of a table that an enrichment names changes the hash; a file nobody names does not."""
    step = "receives: {invoice: {format: plain, route: [m], enrichment: [{kind: add, table: t.csv}]}}\n"
    site(tmp_path, partners__a=PARTNER + step)
    seen = []
    for name, text in [("t.csv", "1"), ("t.csv", "2"), ("other", "3"), ("t.csv", "1")]:
        (tmp_path / name).write_text(text)
        snapshot, _ = look(tmp_path)
        assert snapshot is not None
        seen.append(snapshot.hash)
    assert seen[0] != seen[1] == seen[2]
    assert seen[3] == seen[0]


def test_every_problem_is_in_the_refusal(tmp_path: Path) -> None:
    """The refusal has all errors and warnings, sorted, and reads like a compiler's."""
    site(tmp_path, gateway="[organisation", partners__a="nam: A\n", partners__b="name: [\n", mappings__m="x: 1\n")
    with pytest.raises(ConfigRefused) as refused:
        load(tmp_path, CATALOGUE, now=NOW, environment={})
    assert said(refused.value.problems) == [
        ("gateway.toml", 1, 14, "E001"),
        ("mappings/m.yaml", 1, 1, "W200"),
        ("partners/a.yaml", 1, 1, "E100"),
        ("partners/b.yaml", 2, 1, "E001"),
    ]
    assert "partners/a.yaml:1:1: E100 nam: unknown key 'nam'; did you mean 'name'?" in str(refused.value)


def test_warnings_alone_do_not_refuse(tmp_path: Path) -> None:
    """Files with a wrong ending and tests of nothing are told, and the snapshot is made."""
    site(tmp_path, partners__a=PARTNER, partners__a_test="x")
    (tmp_path / "partners/a_test.yaml").rename(tmp_path / "partners/a.test.yaml")
    (tmp_path / "partners/gone.test.yaml").write_text("tests: []")
    (tmp_path / "partners/c.yml").write_text("name: C")
    (tmp_path / "partners/README.md").write_text("about")
    snapshot, problems = look(tmp_path)
    assert snapshot is not None
    assert said(snapshot.warnings) == [("partners/c.yml", 1, 1, "W001"), ("partners/gone.test.yaml", 1, 1, "W002")]
    assert problems == snapshot.warnings
    assert list(snapshot.partners) == ["a"]


def test_files_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    """No gateway.toml, names that are none, empty files, and what cannot be opened."""
    site(tmp_path, partners__Big="name: B\n", partners__empty="# nothing\n")
    (tmp_path / "gateway.toml").unlink()
    (tmp_path / "partners/odd name.yaml").write_text("name: O")
    (tmp_path / "partners/folder.yaml").mkdir()
    snapshot, problems = look(tmp_path)
    assert snapshot is None
    assert said(problems) == [
        ("gateway.toml", 1, 1, "E012"),
        ("partners/Big.yaml", 1, 1, "E013"),
        ("partners/empty.yaml", 1, 1, "E005"),
        ("partners/folder.yaml", 1, 1, "E011"),
        ("partners/odd name.yaml", 1, 1, "E013"),
    ]


@pytest.mark.parametrize(
    ("text", "place", "code"),
    [
        ("[listen.http]\nport = 9464\n", (4, 8), "E218"),
        ('[listen]\nhttp = {port = 1, address = "0.0.0.0"}\nmonitoring = {port = 1}\n', (5, 22), "E218"),
        ('[listen]\nhttp = {port = 1, address = "::1"}\nmonitoring = {port = 1}\n', None, None),
        ("[listen]\nhttp = {port = 0}\nmonitoring = {port = 0}\n", None, None),
        ('[listen.http]\nport = 1\naddress = "localhost"\n', (5, 11), "E102"),
        ('[database]\nurl = "mysql://x"\n', (4, 7), "E222"),
        ('[database]\nurl = "postgresql://me:hunter2@host/db"\n', (4, 7), "E300"),
        ('[database]\nurl = "postgresql://me@host/db"\n', None, None),
        ('[limits]\nmessage_bytes = "50 MB"\n', (4, 17), "E102"),
        ('[limits]\nmessage_bytes = "50MiB"\n', None, None),
        ('[organisation.identifiers]\ngln = "3012345000018"\n', (4, 7), "E214"),
        ('[identities.us]\nas2_id = "US"\nkeys = []\n', (5, 8), "E105"),
    ],
)
def test_the_settings_of_the_process_are_checked(
    tmp_path: Path, text: str, place: tuple[int, int] | None, code: str | None
) -> None:
    """Ports, addresses, the database, sizes and identifiers."""
    _, problems = look(site(tmp_path, gateway=GATEWAY + text))
    expected = [("gateway.toml", *place, code)] if place else []
    assert said(problems) == expected
    assert "hunter2" not in str(problems)


def test_many_partners_that_go_wrong_are_all_told(tmp_path: Path) -> None:
    """Two hundred files with two mistakes each give four hundred problems."""
    files = {f"partners__p{number}": "nmae: A\nactive: maybe\n" for number in range(200)}
    _, problems = look(site(tmp_path, **files))
    assert len(problems) == 400
