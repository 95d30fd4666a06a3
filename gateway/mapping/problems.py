"""The codes of everything that can be wrong in a mapping file, and the list problems are gathered in."""

from collections.abc import Mapping

from gateway.config.catalogue import MappingProblem

Path = tuple[str | int, ...]
"""Keys and list positions that lead to a place in a mapping file."""

CODES: Mapping[str, tuple[str, str]] = {
    "M101": ("Unknown key", "Correct the spelling or remove the key."),
    "M102": ("A key is missing", "Add the key named in the message."),
    "M103": ("A list, a mapping or a single value is expected", "Change the shape of what stands here."),
    "M104": ("A value is not one of those allowed", "Use one of the values the message lists."),
    "M111": ("Unknown term", "Use a business term of EN 16931 such as BT-13; docs/reference/terms.md lists all."),
    "M112": ("The term belongs to another group", "Move it under the group the message names."),
    "M113": ("The value needs a conversion", "Add the function the message names."),
    "M121": ("The expression cannot be read", "Write SOURCE | function(argument) | …"),
    "M122": ("Unknown function", "Use one of the functions of the mapping language."),
    "M123": ("Wrong argument of a function", "Give the function what the message asks for."),
    "M124": ("Unknown lookup table", "Name one of `lookups`, or add the table there."),
    "M125": ("The function cannot stand here", "Move it, or convert the value before it."),
    "M131": ("The segment template cannot be read", "Write TAG+element:component+… with cells as {BT-1}."),
    "M132": ("Unknown segment", "Use a segment of the table the gateway knows; correct its three letters."),
    "M133": ("The segment has no such element", "Count the + and : of the template; the message says where it ends."),
    "M134": ("The text is longer than the element allows", "Shorten the text."),
    "M135": ("`repeat` and `chunks` do not fit", "Repeat a segment that has exactly one cell with chunks(…)."),
    "M136": ("Unknown group", "Use a repeated group such as BG-25, inside the group it belongs to."),
    "M141": ("Unknown mapping to extend", "Name a file of mappings/ or a mapping that comes with the gateway."),
    "M142": ("A second level of `extends`", "Extend the mapping at the bottom; one level is all there is."),
    "M143": ("The mapping extended has problems", "Correct that mapping first."),
    "M144": ("Direction or format differ from the mapping extended", "Leave out `reads` and `writes`."),
    "M145": ("The name belongs to a mapping of the gateway", "Rename the file."),
    "M151": ("The key of a segment cannot be read", "Write TAG, TAG[qualifier] or BLOCK/TAG[qualifier]."),
    "M152": ("The key matches nothing", "Use a key of the mapping extended; the message lists those near it."),
    "M153": ("Key and segment differ", "Let the key be the tag and the first literal component of the first element."),
    "M154": ("Two segments have the same key", "Join them in one block, or let their first components differ."),
}
"""Code → what is wrong, and what to do."""

WARNINGS: Mapping[str, tuple[str, str]] = {
    "M201": ("The lookup table is not used", "Remove it, or use it: lookup(NAME)."),
    "M202": ("Something mandatory is not set", "Add it, unless the documents are completed elsewhere."),
    "M203": ("A text may be too long for its element", "Cut it with left(…) or spread it with chunks(…)."),
    "M204": ("The mapping says the same twice", "Leave out one of the two."),
}
"""The same for what is allowed, and most likely not meant."""


class Problems(list[MappingProblem]):
    """Every problem of one mapping file, in the order they were met."""

    def add(self, path: Path, code: str, text: str, *, at_key: bool = False) -> None:
        """Notes a problem once."""
        assert code in CODES, code
        problem = MappingProblem(path, code, text, at_key)
        if problem not in self:
            self.append(problem)
