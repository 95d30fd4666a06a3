"""The codes of everything that can be wrong in a configuration, and the list problems are gathered in."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from gateway.config.source import Source
from gateway.errors import Problem

CODES: Mapping[str, tuple[str, str]] = {
    "E001": ("The file is not valid YAML or TOML", "Correct the text at the place named; a bracket, quote, colon or indentation is wrong there or just before it."),
    "E002": ("A key stands twice", "Remove one of the two; only one value can hold."),
    "E003": ("The file is not UTF-8 text", "Save the file with the encoding UTF-8."),
    "E004": ("More than one YAML document in a file", "Move what follows `---` into a file of its own."),
    "E005": ("The file is empty", "Write its settings, or remove the file."),
    "E006": ("A key is not text", "Write a name before the colon."),
    "E007": ("A YAML tag", "Remove the tag; values are read as text and typed by the setting they stand at."),
    "E008": ("Nested too deep", "No setting lies deeper than 50 levels; look for brackets that are not closed."),
    "E009": ("The file is too large", "A configuration file has at most 1 MiB; move tables of data into files of their own."),
    "E010": ("An alias cannot be resolved", "Write the value out, or define the anchor before the alias; aliases stand for at most 10,000 values a file."),
    "E011": ("A file cannot be read", "Make the file readable for the user the gateway runs as."),
    "E012": ("gateway.toml is missing", "Run the command in the directory of the site, or name the site's directory."),
    "E013": ("A file name cannot be a name", "Use lower-case letters, digits, `-` and `_`, at most 60, the first a letter or digit."),
    "E014": ("A change that needs a restart", "Restart the gateway to bring the keys named into force, or take the change back; until then nothing of the new configuration is in force."),
    "E100": ("Unknown key", "Correct the spelling or remove the key; `docs/reference/configuration.md` lists all."),
    "E101": ("A key is missing", "Add the key named in the message."),
    "E102": ("A value is not what the setting takes", "Write a value as the message describes it."),
    "E103": ("A value is not one of those allowed", "Use one of the values the message lists."),
    "E104": ("Unknown kind", "Use one of the kinds the message lists."),
    "E105": ("A value is out of range", "Use a value within the limits the message names."),
    "E106": ("A list, a mapping or a single value is expected", "Change the shape of what stands here."),
    "E200": ("Unknown endpoint", "Name an endpoint of the same partner file, or add it under `endpoints`."),
    "E201": ("Unknown mapping", "Name a file of `mappings/` without its ending."),
    "E202": ("The mapping is for something else", "Use a mapping of the format and direction of this entry."),
    "E203": ("A mapping is needed", "Add `mapping:`; the format cannot be read or written without one."),
    "E204": ("The format takes no mapping", "Remove `mapping:`."),
    "E205": ("Unknown format", "Use one of the formats the message lists."),
    "E206": ("The format cannot be used this way", "Use a format that can be read (for `sends`) or written (for `receives`)."),
    "E207": ("The endpoint cannot send", "Lead the route to an endpoint of a kind that sends."),
    "E208": ("The endpoint cannot receive", "Name an endpoint of a kind that receives."),
    "E209": ("Unknown partner", "Name a file of `partners/` without its ending."),
    "E210": ("Two rules have the same id", "Give every rule of a document kind its own id; findings are told apart by it."),
    "E211": ("Unknown term", "Use a business term of EN 16931 such as `BT-13`; `docs/reference/terms.md` lists all."),
    "E212": ("The term is not a repeated group", "Use a group such as `BG-25` (invoice lines)."),
    "E213": ("Two partners have the same identifier", "Keep it in one of the two files; documents are assigned to partners by it."),
    "E214": ("The check digit of a GLN is wrong", "A GLN has 13 digits, the last computed from the others; look it up again."),
    "E215": ("An entry can never be reached", "Move it before the entry that takes its messages, or narrow that one's `over` or `match`."),
    "E216": ("An endpoint stands twice in one step", "Name every endpoint of a step once."),
    "E217": ("Unknown identity", "Name one of the `[identities]` of gateway.toml, or add it there."),
    "E218": ("Two listeners have the same port", "Give each listener a port of its own."),
    "E219": ("Two endpoints claim the same", "Change one of the two; messages could not be told apart."),
    "E220": ("Unknown placeholder in a file name", "Use {kind} {number} {id} {date} {extension} {name}, and no directory."),
    "E221": ("The endpoint needs a certificate of the partner", "Add the partner's certificate under `certificates`, or switch off what needs it."),
    "E222": ("The database URL is not one", "Write sqlite:///PATH or postgresql://USER@HOST/NAME."),
    "E223": ("The setting needs TLS", "Use an https:// address, or for messages from the partner a listener `[listen.https]` in gateway.toml; or remove the setting."),
    "E224": ("The address at which partners reach us is missing", "Set `public_url` under `[listen]` in gateway.toml, as https://edi.acme.example; or let the MDN come in the answer (`mode: sync`)."),
    "E225": ("Official rules that are not there", "Name families or packs as `gateway rules list` shows them, or import the pack: `gateway rules import FILE`."),
    "E226": ("No such acknowledgement", "EDIFACT is acknowledged by contrl, X12 by 997; documents of other formats by none."),
    "E300": ("A secret stands in clear text", "Move it to an environment variable or a file and write {env: NAME} or {file: PATH}; change the secret, it has been seen."),
    "E301": ("The environment variable of a secret is not set", "Set it for the service, or correct its name."),
    "E302": ("The file of a secret cannot be used", "Create the file, readable for the user the gateway runs as only."),
    "E303": ("A secret is not named by exactly one of env and file", "Keep one of the two."),
    "E400": ("A certificate file cannot be read", "Put the file in its place or correct the path; paths are relative to the site."),
    "E401": ("The file is not a certificate", "Export the certificate as PEM or DER (X.509)."),
    "E402": ("The certificate has expired and no other is in force", "Ask its owner for the new one and list it beside the old."),
    "E403": ("The certificate is not in force yet and no other is", "List the one that is in force now as well."),
    "E404": ("The key does not belong to the certificate", "Name the key the certificate was made with."),
    "E405": ("The key is too weak or of a kind that is not taken", "Use RSA with at least 2048 bits, or EC on P-256, P-384 or P-521."),
    "E406": ("A gap between two certificates", "Let the dates of the two meet or overlap."),
    "E407": ("The days of a certificate cannot be", "Let `until` come after `from`, and both lie within the certificate's own dates."),
    "E408": ("Several certificates in one file", "Put each into a file of its own and list them; only a certificate followed by its issuers is taken."),
    "E409": ("The private key cannot be read", "Use an unencrypted PEM key (PKCS #8), guarded by its file mode."),
    "E410": ("A certificate to encrypt to is on trial", "Say `trial: true` under `verify` only; when we encrypt to a certificate is said by `from`."),
    "W001": ("A file with the wrong ending", "Rename it to `.yaml`; it is not read as it is."),
    "W002": ("A test file without what it tests", "Remove it, or rename it after its partner or mapping."),
    "W200": ("The mapping is not used", "Remove it, or name it in a partner file."),
    "W201": ("Official rules will be lacking", "Import the pack (`gateway rules import FILE`) or name other rules under `official`; documents that need it are held."),
    "W202": ("A rule without samples", "Add to `partners/NAME.test.yaml` a document that the rule finds something in and one it does not; `gateway check --require-samples` makes this an error."),
    "W300": ("The file of a secret is readable by others", "chmod 600 it."),
    "W301": ("A password goes over a connection without TLS", "Use an https:// address; whoever sits on the way reads the password."),
    "W302": ("Messages are taken from anybody who knows two names", "Set require.signed to true, or ask for a certificate or password with `client`. Without either a stranger can also find out, by sending a captured message changed in many ways, what was encrypted in it with CBC."),
    "W400": ("A certificate expires within 30 days", "Ask its owner for the next one and list it now: the two may overlap."),
    "W401": ("The certificate file is not used", "Remove it, or name it in a partner file or gateway.toml."),
    "W402": ("An expired certificate is still listed", "Remove it from the list."),
}  # fmt: skip
"""Code → what is wrong, and what to do. Codes of mappings (`M…`) belong to the room that compiles them."""

_FAMILIES = {
    "E0": "Text of the files",
    "E1": "Settings",
    "E2": "References",
    "E3": "Secrets",
    "E4": "Certificates and keys",
    "W": "Warnings",
}


class Problems:
    """Gathers problems. A check of references that hits a place already found wrong says nothing new there."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, int], list[Problem]] = {}

    def add(self, source: Source, path: Sequence[str | int], code: str, text: str, *, at_key: bool = False) -> None:
        """Add a problem at the value of `path` (or at its key); codes that begin with W are warnings."""
        self.at(source.file, source.place(path, at_key=at_key), code, text)

    def refer(self, source: Source, path: Sequence[str | int], code: str, text: str, *, at_key: bool = False) -> None:
        """Like `add`, and silent where a problem is known already."""
        if (source.file, *source.place(path, at_key=at_key)) not in self._found:
            self.add(source, path, code, text, at_key=at_key)

    def at(self, file: str, place: tuple[int, int], code: str, text: str) -> None:
        """Add a problem at a line and column."""
        severity: Literal["error", "warning"] = "warning" if code.startswith("W") else "error"
        problem = Problem(file=file, line=place[0], column=place[1], code=code, text=text, severity=severity)
        here = self._found.setdefault((file, *place), [])
        if problem not in here:
            here.append(problem)

    def all(self) -> tuple[Problem, ...]:
        """Every problem, sorted by file, line and column."""
        return tuple(sorted(problem for here in self._found.values() for problem in here))


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """The end of a message: the nearest known name, or all of them when they are few."""
    names = sorted(known)
    near = nearest(wrong, names)
    if near is not None:
        return f"; did you mean '{near}'?"
    if not names:
        return "; there is none"
    if len(names) <= 12:
        return "; known: " + ", ".join(name[:60] for name in names)
    return ""


def nearest(wrong: str, known: Iterable[str]) -> str | None:
    """The known name that is most like the wrong one, if any is."""
    folded = {name.casefold(): name for name in sorted(known, reverse=True)}
    close = difflib.get_close_matches(wrong[:100].casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def shown(value: object) -> str:
    """A value as messages show it: in quotes, and cut when it is long."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    text = str(value)
    return f"'{text[:60]}…'" if len(text) > 60 else f"'{text}'"


def reference() -> str:
    """The table of codes as Markdown, one heading each."""
    lines: list[str] = []
    for start, family in _FAMILIES.items():
        lines += [f"## {family}", ""]
        for code, (title, remedy) in CODES.items():
            if code.startswith(start):
                lines += [f"### {code}", "", f"{title}.", "", remedy, ""]
    return "\n".join(lines)
