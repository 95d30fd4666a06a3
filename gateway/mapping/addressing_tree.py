"""The addressing of trees: JSON and XML of an ERP's own shape."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lxml.etree import _Element as Element

from gateway.errors import Refused
from gateway.mapping.addressing import Addressing, Each, Place
from gateway.mapping.functions import Getter, Type
from gateway.mapping.tree_path import Path, Predicate, Step, parse_json_path, parse_xml_path

MOST_FOUND = 200_000
"""Most values that one path finds in one scope."""
MOST_AGAIN = 5_000_000
"""Most values that paths from the top of a file find over and over, once for each line that follows them."""


@dataclass(slots=True)
class Tree:
    """A file: its top, the prefixes of its namespaces, what paths from the top have found, and how often they found more
    than one value.
    """

    top: Any
    prefixes: Mapping[str, str] = field(default_factory=dict)
    found: dict[Path, list["Spot"]] = field(default_factory=dict)
    again: int = 0


@dataclass(frozen=True, slots=True)
class Spot:
    """A value in a tree, and the way to it: `above` is the value it stands in, `key` its name or index there."""

    value: Any
    tree: Tree
    above: "Spot | None" = None
    key: str | int = ""


_NO_VALUES: Mapping[type, str] = {dict: "an object", list: "a list in a list"}
Walk = Callable[[Spot, Step], Iterator[Spot]]


def _follow(spot: Spot, path: Path, walk: Walk) -> list[Spot]:
    """Every value at the end of a path; raises `Refused` (MAP-VALUE) when there are too many."""
    if not path.absolute:
        return _walked([spot], path, walk)
    tree = spot.tree
    found = tree.found.get(path)
    if found is None:
        found = tree.found[path] = _walked([Spot(tree.top, tree)], path, walk)
    tree.again += max(len(found) - 1, 0)
    if tree.again > MOST_AGAIN:
        text = f"{path.text} leads from the top of the file, is followed for each line, and finds too much each time"
        raise Refused("MAP-VALUE", f"{text}; write it from the line itself")
    return found


def _walked(spots: list[Spot], path: Path, walk: Walk) -> list[Spot]:
    for step in path.steps:
        reached: list[Spot] = []
        for spot in spots:
            reached.extend(walk(spot, step))
            if len(reached) > MOST_FOUND:
                raise Refused("MAP-VALUE", f"{path.text} is there more than {MOST_FOUND} times")
        spots = reached
    return spots


def _into_json(spot: Spot, step: Step) -> Iterator[Spot]:
    """The members of this name; a list stands for each of its items."""
    for holder in _items(spot):
        if not step.name:
            inner = [holder]
        elif isinstance(holder.value, dict) and step.name in holder.value:
            inner = [Spot(holder.value[step.name], spot.tree, holder, step.name)]
        else:
            continue
        for each in inner:
            yield from _tested_json(list(_items(each)), step.predicates)


def _items(spot: Spot) -> Iterator[Spot]:
    if isinstance(spot.value, list):
        for index, value in enumerate(spot.value):
            yield Spot(value, spot.tree, spot, index)
    else:
        yield spot


def _tested_json(spots: list[Spot], tests: Sequence[Predicate]) -> Iterator[Spot]:
    for test in tests:
        if test.index is not None:
            spots = spots[test.index : test.index + 1]
        else:
            spots = [each for each in spots if _json_has(each.value, test)]
    yield from spots


def _json_has(value: Any, test: Predicate) -> bool:
    return isinstance(value, dict) and _scalar(value.get(test.name)) == test.value


def _scalar(value: Any) -> str | None:
    """The text of a value that is no object and no list; None for null."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None or isinstance(value, dict | list) else str(value)


def _json_text(spot: Spot) -> str | None:
    kind = _NO_VALUES.get(type(spot.value))
    if kind is not None:
        raise ValueError(f"{_pointer(spot)} is {kind}, where a value is expected")
    return _scalar(spot.value)


def _pointer(spot: Spot) -> str:
    """The JSON pointer (RFC 6901) of a value."""
    steps = []
    each: Spot | None = spot
    while each is not None and each.above is not None:
        steps.append(str(each.key).replace("~", "~0").replace("/", "~1"))
        each = each.above
    return "/" + "/".join(reversed(steps))


def _into_xml(spot: Spot, step: Step) -> Iterator[Spot]:
    """The children, or the attribute, of this name; at the top of the file, the root element."""
    element = spot.value
    if step.name.startswith("@"):
        value = _attribute(element, step.name[1:], spot.tree)
        if value is not None:
            yield Spot(value, spot.tree, spot, step.name)
        return
    children = [element.root] if isinstance(element, Top) else element
    prefix, _, local = step.name.rpartition(":")
    wanted = _namespace(prefix, spot.tree) if prefix else None
    for child in children:
        namespace, _, name = child.tag.rpartition("}")
        if name != local or (wanted is not None and namespace[1:] != wanted):
            continue
        if all(_xml_has(child, test, spot.tree) for test in step.predicates):
            yield Spot(child, spot.tree, spot, name)


@dataclass(frozen=True, slots=True)
class Top:
    """What stands above the root element of an XML document."""

    root: Element


def _attribute(element: Any, name: str, tree: Tree) -> str | None:
    if not isinstance(element, Element):
        return None
    prefix, _, local = name.rpartition(":")
    return element.get(f"{{{_namespace(prefix, tree)}}}{local}" if prefix else local)


def _namespace(prefix: str, tree: Tree) -> str:
    if prefix not in tree.prefixes:
        text = f"the mapping uses the prefix '{prefix[:40]}'; name its namespace in the option namespaces"
        raise Refused("XML-PREFIX", text)
    return tree.prefixes[prefix]


def _xml_has(element: Element, test: Predicate, tree: Tree) -> bool:
    if test.name.startswith("@"):
        return _attribute(element, test.name[1:], tree) == test.value
    step = Step(test.name)
    return any((each.value.text or "").strip() == test.value for each in _into_xml(Spot(element, tree), step))


def _xml_text(spot: Spot) -> str | None:
    """The text of an element or attribute without the white space round it."""
    if isinstance(spot.value, str):
        return spot.value.strip() or None
    if isinstance(spot.value, Top) or len(spot.value):
        raise ValueError(f"{_line(spot)} has elements inside, where a value is expected")
    return (spot.value.text or "").strip() or None


def _line(spot: Spot) -> str:
    """The line of an element, and its name or the attribute's."""
    if isinstance(spot.value, Top):
        return "line 1"
    if isinstance(spot.value, str):
        return f"{_line(spot.above)}/{spot.key}" if spot.above else str(spot.key)
    return f"line {spot.value.sourceline}, {spot.value.tag.rpartition('}')[2]}"


def _addressing(
    parse: Callable[[str], Path], walk: Walk, text_of: Callable[[Spot], str | None], where: Callable[[Spot], str]
) -> Addressing:
    def resolve(name: str, *, many: bool) -> tuple[Getter, Type]:
        path = parse(name)

        def each(spot: Spot) -> list[str]:
            return [text for found in _follow(spot, path, walk) if (text := text_of(found))]

        def one(spot: Spot) -> str | None:
            """The value that all at the end of the path agree on."""
            agreed, first = None, ""
            for found in _follow(spot, path, walk):
                text = text_of(found)
                if not text:
                    continue
                if agreed is None:
                    agreed, first = text, where(found)
                elif text != agreed:
                    shown = f"'{agreed[:40]}' at {first} and '{text[:40]}' at {where(found)}"
                    raise ValueError(f"{shown}: one value is expected, or the mapping has to say first or join")
            return agreed

        return (each if many else one), "text"

    def place(names: Sequence[str]) -> Place:
        paths = [parse(name) for name in dict.fromkeys(names)]

        def of(spot: Spot) -> str:
            for path in paths:
                if found := _follow(spot, path, walk):
                    return where(found[0])
            return f"{where(spot)}, {', '.join(path.text for path in paths)}"

        return of

    def loop(name: str) -> Each:
        path = parse(name)
        return lambda spot: _follow(spot, path, walk)

    return Addressing(noun="path", resolve=resolve, place=place, whole=where, each=loop)


JSON_TREE = _addressing(parse_json_path, _into_json, _json_text, _pointer)
XML_TREE = _addressing(parse_xml_path, _into_xml, _xml_text, _line)


def json_documents(value: Any, path: str) -> list[Spot]:
    """The documents of a JSON text: what is at the end of the path; without one, the items of a list, or the whole.

    Raises `Mistake` for a path that is none, and `Refused` when it finds too much.
    """
    top = Spot(value, Tree(value))
    return _follow(top, parse_json_path(path), _into_json) if path else list(_items(top))


def xml_documents(root: Element, path: str, prefixes: Mapping[str, str]) -> list[Spot]:
    """The documents of an XML document: the elements at the end of the path; without one, the root element.

    Raises `Mistake` for a path that is none, and `Refused` when it finds too much.
    """
    top = Top(root)
    tree = Tree(top, prefixes)
    spot = Spot(top, tree)
    found = _walked([spot], parse_xml_path(path), _into_xml) if path else [Spot(root, tree, spot, root.tag)]
    return [each for each in found if isinstance(each.value, Element)]
