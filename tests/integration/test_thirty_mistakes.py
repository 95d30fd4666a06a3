"""The site of this repository with thirty mistakes in it: every one is told, at its place, and nothing else is."""

import re
import shutil
from datetime import datetime
from pathlib import Path
from unittest.mock import Mock

import pytest

from gateway.app import catalogue
from gateway.cli import configuration
from gateway.config.load import check
from gateway.errors import Problem
from tests.cli_site import run
from tests.config_kinds import NOW, make_key, write_certificate, write_key

SITE = Path(__file__).parents[2]
MARK = re.compile(r"«([EM]\d{3})»")

# File → what is replaced by what. «E200» marks the place where that problem must be told, and is not written.
MISTAKES: dict[str, list[tuple[str, str]]] = {
    "gateway.toml": [
        ('name = "ACME France SAS"', "name = «E102»3"),
        ('gln = "3012345000017"', 'gln = «E214»"3012345000018"'),
        ("port = 8080", "port = «E105»80800"),
        ('key = { file = "certs/own/2026.key" }', 'key = «E404»{ file = "certs/own/other.key" }'),
    ],
    "mappings/erp-csv.yaml": [
        ("BT-2: date", "BT-2: «M121»date |"),
        ("BT-3: type | lookup(type)", "BT-3: «M122»type | lokup(type)"),
        ("  BT-20: terms", "  «M111»BT-201: terms"),
        ("uom | lookup(unit)", "«M124»uom | lookup(units)"),
    ],
    "mappings/hypermarche-invoic.yaml": [('"LIN/IMD[F]"', '«M151»"LIN/IMD[F"')],
    "partners/brico.yaml": [
        ("name: Brico Atlantique", "name: Brico Atlantique\n«E002»name: Brico"),
        ("  inbox:\n    kind: folder\n    path: var/brico/inbox\n", "  «E101»inbox:\n    kind: folder\n"),
        ("  invoice:\n    format: ubl\n", "  invoice:\n    format: ubl\n    «E204»mapping: hypermarche-invoic\n"),
        ("  credit-note:\n    format: ubl\n", "  «E103»credit-notes:\n    format: ubl\n"),
    ],
    "partners/erp.yaml": [
        ("kind: folder", "kind: «E104»foldr"),
        ("token: {file: var/secrets/erp-api.token}", "token: «E300»0123456789abcdef"),
        ('  - match: "*.xml"\n', '  - match: "*.xml"\n    over: [drop, «E200»ap]\n'),
        ("    format: ubl\n", '    format: ubl\n  - «E215»match: "*.json"\n    format: json\n'),
    ],
    "partners/grossiste.yaml": [
        (
            "endpoints:\n",
            (
                "sends:\n  - over: api\n    format: csv\n    mapping: «E201»erp-cvs\n"
                "endpoints:\n  api: {kind: api, token: {env: «E301»GATEWAY_NOBODY_SETS_THIS}}\n"
            ),
        ),
        ("    format: json\n    route: [inbox]\n", "    format: json\n    route: [«E207»api]\n"),
    ],
    "partners/hypermarche.yaml": [
        ('gln: "3020000000012"', 'gln: «E213»"3020000001019"'),
        (
            "  verify: certs/hypermarche/2026.pem\n",
            (
                "  verify: [«E402»certs/hypermarche/2025.pem]\n"
                "  encrypt:\n"
                "    - {file: certs/hypermarche/2026.pem, until: 2026-07-01}\n"
                "    - «E406»{file: certs/hypermarche/2026.pem, from: 2026-08-01}\n"
                "    - {file: certs/hypermarche/2026.pem, from: 2026-09-01, until: «E407»2026-08-15}\n"
                "    - «E401»certs/hypermarche/garbage.pem\n"
            ),
        ),
        ("identity: acme", "identity: «E217»acmee"),
        ("direction: in", "directon: in"),
        ("    directon: in", "    «E100»directon: in"),
        ("terms: BT-13", "terms: «E211»BT-1313"),
        ("id: delivery-place", "id: «E210»order-number"),
    ],
    "partners/scierie.yaml": [("", "name: Scierie\nendpoints: {post: {kind: folder}\n«E001»receives: {}\n")],
}

KINDS = {
    "syntax": {"E001", "E002"},
    "types": {"E102", "E105"},
    "unknown keys": {"E100"},
    "missing keys": {"E101"},
    "dangling references": {"E200", "E201", "E217"},
    "expired certificates": {"E402"},
    "mismatched keys and certificates": {"E404"},
    "gaps in certificate dates": {"E406"},
    "inline secrets": {"E300"},
    "duplicate identifiers": {"E213"},
    "paths in mappings that cannot be read": {"M121", "M151"},
    "unknown names in mappings": {"M111", "M122", "M124"},
}


def good_site(root: Path) -> Path:
    """A copy of the repository's site with certificates and secrets, as `gateway init` makes them."""
    for name in ("partners", "mappings"):
        shutil.copytree(SITE / name, root / name)
    shutil.copy(SITE / "gateway.toml", root / "gateway.toml")
    ours, theirs = make_key(), make_key()
    write_certificate(root / "certs/own/2026.pem", ours)
    write_key(root / "certs/own/2026.key", ours)
    for partner in ("hypermarche", "northgate", "supermarche"):
        write_certificate(root / f"certs/{partner}/2026.pem", theirs)
    (root / "var/secrets").mkdir(parents=True)
    for partner in ("erp", "webshop"):
        token = root / f"var/secrets/{partner}-api.token"
        token.write_text(f"0123456789abcdef-{partner}\n", encoding="utf-8")
        token.chmod(0o600)
    return root


def seed(root: Path) -> list[tuple[str, int, int, str]]:
    """Put the mistakes into the site; gives the places where they must be told."""
    places = []
    for name, replacements in MISTAKES.items():
        file = root / name
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        for old, new in replacements:
            assert old in text, f"{name} has no {old!r}"
            text = text.replace(old, new, 1)
        while mark := MARK.search(text):
            before = text[: mark.start()]
            column = len(before) - (before.rfind("\n") + 1) + 1
            places.append((name, before.count("\n") + 1, column, mark[1]))
            text = before + text[mark.end() :]
        file.write_text(text, encoding="utf-8")
    theirs, others = make_key(), make_key()
    write_key(root / "certs/own/other.key", others)
    write_certificate(root / "certs/hypermarche/2025.pem", theirs, since=-500, until=-10)
    (root / "certs/hypermarche/garbage.pem").write_text("not a certificate", encoding="utf-8")
    return sorted(places)


def told(problems: tuple[Problem, ...]) -> list[tuple[str, int, int, str]]:
    """Where the problems are, and their codes."""
    return [(problem.file, problem.line, problem.column, problem.code) for problem in problems]


def test_the_site_of_the_repository_has_no_problem(tmp_path: Path) -> None:
    """What is checked in is right, warnings included."""
    snapshot, problems = check(good_site(tmp_path), catalogue(), now=NOW)
    assert problems == ()
    assert snapshot is not None
    assert set(snapshot.partners) >= {"erp", "hypermarche", "brico", "grossiste"}


def test_thirty_mistakes_give_thirty_problems_at_their_places(tmp_path: Path) -> None:
    """File, line, column and code of each are exact, the mistakes are of all kinds, and no secret is repeated."""
    root = good_site(tmp_path)
    expected = seed(root)
    assert len(expected) == 30
    codes = {code for *_, code in expected}
    assert [kind for kind, wanted in KINDS.items() if not wanted <= codes] == []
    snapshot, problems = check(root, catalogue(), now=NOW)
    assert snapshot is None
    assert told(problems) == expected
    assert "0123456789abcdef" not in "".join(map(str, problems))


def test_the_command_tells_all_thirty_in_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`gateway check` writes a line for each, `file:line:column: code`, counts them, and exits with 1."""
    root = good_site(tmp_path)
    expected = seed(root)
    monkeypatch.setattr(configuration, "datetime", Mock(wraps=datetime, now=lambda _zone: NOW))
    result = run(root, "check")
    assert result.exit_code == 1
    assert [line.split(" ")[:2] for line in result.stdout.splitlines()] == [
        [f"{file}:{line}:{column}:", code] for file, line, column, code in expected
    ]
    assert result.stderr.startswith("30 error(s), 0 warning(s)")
