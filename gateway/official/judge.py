"""A worker's answer to a job: is the document XML within limits, does it keep the schema, what do the rules say.

Everything is told, also what the rules say of a document that breaks the schema; only a document with another root
element than a pack is for is not given to its rules.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from lxml import etree
from lxml.etree import _Element as Element

from gateway.errors import GatewayError, Permanent, Refused
from gateway.formats.xml_reading import parse_xml
from gateway.official.job import MOST_RESULTS, SCHEMA_RULE, Answer, Result, Sheet, Task, pack_answer, unpack_job
from gateway.official.place import line_of, place_of
from gateway.official.saxon import Saxon

MOST_BYTES = 32 * 1024**2
MAX_DEPTH = 64
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_ROOT, _HEAD = ":schematron-output", 1000
_MARKS = ("failed-assert", "successful-report")
_MOST_TEXT = 2000


class Judge:
    """Answers jobs, one after another; keeps what it has compiled."""

    def __init__(self) -> None:
        self._saxon = Saxon()

    def __call__(self, job: bytes) -> bytes:
        """The answer to a job; what goes wrong with it is in the answer."""
        todo, document = unpack_job(job)
        return pack_answer(self.judge(todo, document))

    def warm(self, sheets: Iterable[Sheet]) -> None:
        """Compile stylesheets before they are needed; what cannot be compiled is told with the job that needs it."""
        for sheet in sheets:
            try:
                self._saxon.compile(sheet)
            except (GatewayError, OSError):
                continue

    def judge(self, todo: Sequence[Task], data: bytes) -> Answer:
        """Run packs on a document."""
        try:
            root = _parsed(data)
        except Refused as refused:
            return Answer(refused=(refused.code, refused.text, refused.place))
        results: list[Result] = []
        failed: list[tuple[str, str]] = []
        done: set[str | Sheet] = set()
        text = _text(root, data)
        for task in todo:
            try:
                self._run(task, root, text, done=done, results=results)
            except (GatewayError, etree.LxmlError, OSError) as error:
                failed.append((task.pack, str(error)))
        more = max(0, len(results) - MOST_RESULTS)
        return Answer(results=tuple(results[:MOST_RESULTS]), more=more, failed=tuple(failed))

    def _run(self, task: Task, root: Element, text: str, *, done: set[str | Sheet], results: list[Result]) -> None:
        name = etree.QName(root).localname
        schema = task.schemas.get(name)
        if schema is None:
            told = f"the root element is {name}; these rules are for {' or '.join(task.schemas)}"
            results.append(Result(pack=task.pack, rule=SCHEMA_RULE, flag="fatal", text=told, line=line_of(root)))
            return
        if schema not in done:
            done.add(schema)
            results.extend(_schema_results(task.pack, _schema(schema), root))
        for sheet in task.sheets:
            if sheet not in done:
                done.add(sheet)
                results.extend(_reported(task.pack, self._saxon.run(sheet, text), root))


def _parsed(data: bytes) -> Element:
    if len(data) > MOST_BYTES:
        raise Refused("XML-TOO-LARGE", f"the document has {len(data)} bytes; official rules take at most {MOST_BYTES}")
    return parse_xml(data, max_depth=MAX_DEPTH, huge=True)


def _text(root: Element, data: bytes) -> str:
    """The document as text: as it came when it is UTF-8, else written anew."""
    if (root.getroottree().docinfo.encoding or "UTF-8").upper() in {"UTF-8", "ASCII", "US-ASCII"}:
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:  # another encoding, told by a byte order mark alone
            pass
    return str(etree.tostring(root, encoding="unicode"))


@cache
def _schema(path: str) -> etree.XMLSchema:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.XMLSchema(etree.parse(path, parser))


def _schema_results(pack: str, schema: etree.XMLSchema, root: Element) -> Iterator[Result]:
    if schema.validate(root):
        return
    for error in schema.error_log:  # type: ignore[attr-defined]  # its stub lacks __iter__
        place = place_of(root, str(error.path or ""))
        text = " ".join(str(error.message).split())[:_MOST_TEXT]
        yield Result(
            pack=pack, rule=SCHEMA_RULE, flag="fatal", text=text, path=place.path, line=error.line, item=place.item
        )


def _reported(pack: str, svrl: str, root: Element) -> Iterator[Result]:
    if _ROOT in svrl[:_HEAD] and not any(mark in svrl for mark in _MARKS):
        return  # as for most documents: the report is whole, and there is nothing in it to read
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        report = etree.fromstring(svrl.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise Permanent(f"the report cannot be read: {error.msg}") from None
    if report.tag != f"{_SVRL}schematron-output":
        raise Permanent("the stylesheet gave no Schematron report")
    for each in report.iter(f"{_SVRL}failed-assert", f"{_SVRL}successful-report"):
        place = place_of(root, each.get("location", ""))
        text = " ".join(str(child.xpath("string()")) for child in each.iter(f"{_SVRL}text"))
        yield Result(
            pack=pack,
            rule=(each.get("id") or "SCHEMATRON")[:100],
            flag=(each.get("flag") or each.get("role") or "fatal").lower(),
            text=" ".join(text.split())[:_MOST_TEXT],
            path=place.path,
            line=place.line,
            item=place.item,
        )
