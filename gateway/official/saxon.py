"""Saxon in this process: stylesheets compiled once, run many times, kept from files and network.

Only worker processes import this module: Saxon holds the interpreter lock for as long as a transformation takes.
"""

import hashlib
from pathlib import Path

from saxonche import (  # type: ignore[import-not-found]  # a compiled module without types
    PySaxonApiError,
    PySaxonProcessor,
    PyXsltExecutable,
)

from gateway.errors import Permanent
from gateway.official.job import Sheet

_PROTOCOLS = "http://saxon.sf.net/feature/allowedProtocols"
_CLOSED, _FILES = "", "file"


class Saxon:
    """One processor without any access, and one that may read files: for stylesheets with data files in their pack."""

    def __init__(self) -> None:
        self._processors: dict[str, PySaxonProcessor] = {}
        self._compiled: dict[Sheet, PyXsltExecutable] = {}

    def run(self, sheet: Sheet, text: str) -> str:
        """The SVRL of a document given as text; raises `Permanent` when the stylesheet cannot be run."""
        try:
            executable = self.compile(sheet)
            document = self._processor(sheet).parse_xml(xml_text=text, encoding="utf-8")
            return str(executable.transform_to_string(xdm_node=document) or "")
        except PySaxonApiError as error:
            raise Permanent(f"{Path(sheet.path).name}: {' '.join(str(error).split())[:500]}") from None

    def compile(self, sheet: Sheet) -> PyXsltExecutable:
        """The stylesheet ready to run, kept; raises `Permanent` when its file is not what it must be."""
        if sheet not in self._compiled:
            path = Path(sheet.path)
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() != sheet.sha256:
                raise Permanent(f"{path.name} was changed since it was checked; install or import the pack again")
            compiler = self._processor(sheet).new_xslt30_processor()
            compiler.set_cwd(str(path.parent))
            self._compiled[sheet] = compiler.compile_stylesheet(stylesheet_text=data.decode("utf-8"), encoding="utf-8")
        return self._compiled[sheet]

    def _processor(self, sheet: Sheet) -> PySaxonProcessor:
        allowed = _FILES if sheet.reads_files else _CLOSED
        if allowed not in self._processors:
            processor = PySaxonProcessor(license=False)
            processor.set_configuration_property(_PROTOCOLS, allowed)
            self._processors[allowed] = processor
        return self._processors[allowed]
