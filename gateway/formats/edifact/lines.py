"""Files whose segments were broken into lines of a fixed length on their way, and put together again."""

from gateway.formats.edifact.syntax import UNA_LENGTH

_LOOKED_AT = 4096


def unwrapped(data: bytes) -> bytes:
    """The data without line breaks when all lines but the last are equally long, two at least, and break segments.

    Line breaks between segments, and those within a text of an unwrapped file, stay what they are.
    """
    head = [line.rstrip(b"\r") for line in data[:_LOOKED_AT].split(b"\n")[:-1]]
    terminator = data[UNA_LENGTH - 1 : UNA_LENGTH] if data.startswith(b"UNA") else b"'"
    if len(head) < 2 or all(line.endswith(terminator) for line in head) or not _one_length(head):
        return data
    lines = [line.rstrip(b"\r") for line in data.split(b"\n")]
    while lines and not lines[-1]:
        lines.pop()
    if not _one_length(lines[:-1]) or _length(lines[-1]) > _length(lines[0]):
        return data
    return b"".join(lines)


def _one_length(lines: list[bytes]) -> bool:
    first = _length(lines[0])
    return first > 1 and all(_length(line) == first for line in lines)


def _length(line: bytes) -> int:
    """In characters: a line of a UTF-8 file is counted by those, not by bytes."""
    try:
        return len(line.decode("utf-8"))
    except UnicodeDecodeError:
        return len(line)
