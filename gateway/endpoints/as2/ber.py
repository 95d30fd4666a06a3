"""Reads ASN.1 in BER (ITU-T X.690): a view on the bytes as they came, bounded in depth, count and length.

Peers send DER, BER with indefinite lengths and octet strings cut into pieces; all three are read. Whatever the bytes,
the outcome is an `Element` or `Refused` with the offset.
"""

from collections.abc import Iterator
from typing import NamedTuple

from gateway.endpoints.as2 import der
from gateway.endpoints.as2.window import Segment
from gateway.errors import Refused

DEPTH = 24
"""Deepest nesting read: CMS needs about ten."""

MOST_CHILDREN = 1024
"""Most elements listed of one; pieces of strings, of which there may be more, are never listed."""

TRAILING = 4
"""Most bytes of line ends that may follow the outermost element; anything else behind it is refused."""

_EOC = b"\0\0"


class Element(NamedTuple):
    """One element: `tag` is its identifier octet; offsets are into the input of `source`.

    `start` is its first octet, `begin` and `end` bound its content, `after` follows it (end-of-contents included).
    """

    source: "Source"
    tag: int
    start: int
    begin: int
    end: int
    after: int
    depth: int

    @property
    def raw(self) -> bytes:
        """The whole element as it came."""
        return self.source.data[self.start : self.after]

    @property
    def content(self) -> bytes:
        """Its content octets as they came."""
        return self.source.data[self.begin : self.end]

    def children(self) -> list["Element"]:
        """The elements it is made of; refused when it is not constructed, or of more than `MOST_CHILDREN`."""
        if not self.tag & 0x20:
            raise malformed("a constructed element was expected", self.start)
        children: list[Element] = []
        element, at, end, depth = self.source.element, self.begin, self.end, self.depth + 1
        while at < end:
            if len(children) == MOST_CHILDREN:
                raise malformed(f"more than {MOST_CHILDREN} elements in one", self.start)
            child = element(at, end, depth)
            children.append(child)
            at = child.after
        return children

    def _each(self) -> Iterator["Element"]:
        if not self.tag & 0x20:
            raise malformed("a constructed element was expected", self.start)
        at = self.begin
        while at < self.end:
            child = self.source.element(at, self.end, self.depth + 1)
            yield child
            at = child.after

    def only(self) -> "Element":
        """The single element it holds, as an explicit tag does."""
        children = self.children()
        if len(children) != 1:
            raise malformed(f"one element was expected and {len(children)} were found", self.start)
        return children[0]

    def expect(self, tag: int) -> "Element":
        """Itself, when it has that identifier octet."""
        if self.tag != tag:
            raise malformed(f"tag {tag:#04x} was expected and {self.tag:#04x} was found", self.start)
        return self

    def octets(self, tag: int = der.OCTET_STRING) -> bytes:
        """The value of an octet string, put together when it came in pieces; `tag` is its primitive identifier."""
        if self.tag == tag:
            return self.content
        return b"".join(self.source.data[begin:end] for begin, end in self.pieces(tag))

    def pieces(self, tag: int = der.OCTET_STRING) -> Iterator[tuple[int, int]]:
        """Where the pieces of an octet string begin and end; as `octets`."""
        if self.tag == tag:
            yield self.begin, self.end
            return
        for child in self.expect(tag | 0x20)._each():  # noqa: SLF001  # its own kind
            yield from child.pieces()

    def oid(self) -> bytes:
        """The content octets of an object identifier, to be compared with those of `der.oid`."""
        return self.expect(der.OBJECT_IDENTIFIER).content

    def integer(self) -> int:
        """The value of an INTEGER of at most 16 bytes: versions and lengths, serial numbers are compared as bytes."""
        content = self.expect(der.INTEGER).content
        if not 1 <= len(content) <= 16:
            raise malformed("an INTEGER has no content or more than 16 bytes", self.start)
        return int.from_bytes(content, "big", signed=True)

    def to_der(self) -> bytes:
        """The same value in DER: definite lengths, strings in one piece, SET OF in order."""
        if not self.tag & 0x20:
            return der.tlv(self.tag, self.content)
        if self.tag == der.OCTET_STRING | 0x20:
            return der.octet_string(self.octets())
        parts = [child.to_der() for child in self._each()]
        return der.tlv(self.tag, *(sorted(parts) if self.tag == der.SET else parts))


class Source:
    """The bytes under reading, with the budget of elements they may cost and the ends found of indefinite ones."""

    def __init__(self, data: Segment) -> None:
        self.data = data
        self._left = 65_536 + len(data) // 128
        self._ends: dict[int, int] = {}

    def element(self, at: int, limit: int, depth: int) -> Element:
        """The element that starts at `at` and must end before `limit`."""
        if depth > DEPTH:
            raise malformed(f"nested deeper than {DEPTH} levels", at)
        tag, begin, end = self._head(at, limit)
        if end is not None:
            # what NamedTuple's constructor does, without its call: most of what is opened is read here
            return tuple.__new__(Element, (self, tag, at, begin, end, end, depth))
        if at not in self._ends:
            self._find_end(at, begin, limit, depth)
        end = self._ends[at]
        if end + 2 > limit:
            raise malformed("reaches over the end of what holds it", at)
        return Element(self, tag, at, begin, end, end + 2, depth)

    def _head(self, at: int, limit: int) -> tuple[int, int, int | None]:
        self._left -= 1
        if self._left < 0:
            raise malformed("too many elements", at)
        data = self.data
        if at + 2 > limit:
            raise malformed("cut off", at)
        tag, length = data[at], data[at + 1]
        if tag & 0x1F == 0x1F:
            raise malformed("tag numbers above 30 are not used in CMS", at)
        begin = at + 2
        if length == 0x80:
            if not tag & 0x20:
                raise malformed("a primitive element has no indefinite length", at)
            return tag, begin, None
        if length > 0x80:
            count = length & 0x7F
            if count > 8 or begin + count > limit:
                raise malformed("its length is cut off or absurd", at)
            length = int.from_bytes(data[begin : begin + count], "big")
            begin += count
        if begin + length > limit:
            raise malformed("reaches over the end of what holds it", at)
        return tag, begin, begin + length

    def _find_end(self, at: int, begin: int, limit: int, depth: int) -> None:
        # One walk finds the ends of all indefinite elements below, so that nesting them costs no walk of its own.
        open_starts = [at]
        position = begin
        while open_starts:
            if self.data[position : position + 2] == _EOC and position + 2 <= limit:
                self._ends[open_starts.pop()] = position
                position += 2
                continue
            _, after_head, end = self._head(position, limit)
            if end is None:
                open_starts.append(position)
                if depth + len(open_starts) > DEPTH + 1:
                    raise malformed(f"nested deeper than {DEPTH} levels", position)
                position = after_head
            else:
                position = end


def read(data: Segment) -> Element:
    """The one element the bytes hold; line ends behind it are let pass."""
    element = Source(data).element(0, len(data), 0)
    rest = data[element.after : element.after + TRAILING + 1]
    if len(rest) > TRAILING or rest.strip(b"\r\n"):
        raise malformed("other bytes follow the end", element.after)
    return element


def malformed(text: str, at: int) -> Refused:
    """The refusal of bytes that are not what they should be, with the offset from 0."""
    return Refused("AS2-ASN1", f"the ASN.1 is malformed: {text}", place=f"byte {at}")
