"""The files typst may read: our templates, and those that lie beside the template of a site."""

import re
import shutil
from pathlib import Path

from gateway.errors import Refused

OURS = "gateway"
MOST_FILES = 200
MOST_BYTES = 20 * 1024**2
_TEMPLATES = Path(__file__).parent / "templates"
_READABLE = frozenset({".typ", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".pdf", ".csv", ".txt"})
_PACKAGE = re.compile(rb"@[a-z][a-z0-9-]*/")


def copy_layout(root: Path, template: Path | None) -> str:
    """Copy what a layout needs into `root`; the path of the layout in it. Raises `Refused` (PDF-TEMPLATE)."""
    shutil.copytree(_TEMPLATES, root / OURS)
    if template is None:
        return f"{OURS}/invoice.typ"
    try:
        _copy_folder(template.parent, root)
    except OSError as error:
        raise Refused("PDF-TEMPLATE", f"the template {template.name} cannot be read: {error.strerror}") from None
    if not (root / template.name).is_file():
        raise Refused("PDF-TEMPLATE", f"there is no template {template.name} in {template.parent}")
    return template.name


def _copy_folder(folder: Path, root: Path) -> None:
    """Texts and pictures only, and none that a link leads to elsewhere: keys and settings are out of reach."""
    inside, count, size = folder.resolve(), 0, 0
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() not in _READABLE or not file.is_file() or not file.resolve().is_relative_to(inside):
            continue
        data = file.read_bytes()
        count, size = count + 1, size + len(data)
        if count > MOST_FILES or size > MOST_BYTES:
            text = f"the folder {folder} holds more than {MOST_FILES} files or {MOST_BYTES} bytes; give the template one of its own"
            raise Refused("PDF-TEMPLATE", text)
        relative = file.relative_to(folder)
        if relative.parts[0] == OURS:
            raise Refused("PDF-TEMPLATE", f"the folder {folder} holds '{OURS}', which is our name; choose another")
        package = _PACKAGE.search(data) if file.suffix.lower() == ".typ" else None
        if package:
            text = f"{relative} uses a typst package ({package[0].decode()}…); none is fetched: copy its files beside the template"
            raise Refused("PDF-TEMPLATE", text, place=f"line {data.count(bytes([10]), 0, package.start()) + 1}")
        target = root / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
