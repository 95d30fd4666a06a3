"""The outcomes of configuration tests as a JUnit report, for the build servers that read it."""

import re
from collections.abc import Sequence
from itertools import groupby

from lxml import etree

from gateway.flow.config_test import Outcome

_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(outcomes: Sequence[Outcome]) -> bytes:
    """The report: a suite a file, a case a test."""
    root = etree.Element("testsuites")
    for file, group in groupby(outcomes, key=lambda outcome: outcome.file):
        members = list(group)
        failed = sum(bool(member.mismatches) for member in members)
        suite = etree.SubElement(root, "testsuite", name=_fit(file), tests=str(len(members)), failures=str(failed))
        for member in members:
            attributes = {"classname": _fit(file), "name": _fit(member.name), "time": f"{member.seconds:.3f}"}
            case = etree.SubElement(suite, "testcase", attributes)
            if member.mismatches:
                failure = etree.SubElement(case, "failure", message=_fit(member.mismatches[0].text))
                told = "\n".join(f"{each.text}\n{each.detail}".rstrip() for each in member.mismatches)
                failure.text = _fit(told)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _fit(text: str) -> str:
    """The text without what XML 1.0 cannot carry (section 2.2)."""
    return _UNFIT.sub("\ufffd", text)
