"""The directories that come with the gateway, written by us for the messages it reads and writes; `BUILT_IN` is the list."""

from collections.abc import Mapping

from gateway.formats.edifact.directories.d01b import D01B
from gateway.formats.edifact.directories.d96a import D96A
from gateway.formats.edifact.directories.tables import Directory

BUILT_IN: Mapping[str, Directory] = {"d96a": D96A, "d01b": D01B}
"""Name of a directory, as options write it → its tables."""
