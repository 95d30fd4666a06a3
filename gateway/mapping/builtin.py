"""The mappings that come with the gateway."""

from collections.abc import Mapping
from functools import cache
from importlib import resources

from gateway.config.catalogue import MappingSource
from gateway.config.source import Source, read_yaml

EANCOM_INVOIC = "eancom-invoic-d96a"
EANCOM_INVOIC_D96A_READ = "eancom-invoic-d96a-read"
EANCOM_INVOIC_D01B_READ = "eancom-invoic-d01b-read"
INVOIC_D14B_READ = "invoic-d14b-read"
X12_810 = "x12-810"
X12_810_READ = "x12-810-read"


@cache
def builtin() -> Mapping[str, MappingSource]:
    """Every mapping of the package's library, by name."""
    return {name: MappingSource(name, source.data) for name, source in builtin_files().items()}


@cache
def builtin_files() -> Mapping[str, Source]:
    """The files of the package's library by the names of the mappings, with the place of everything in them."""
    found = {}
    for file in resources.files("gateway.mapping").joinpath("library").iterdir():
        if file.name.endswith(".yaml"):
            source = read_yaml(f"gateway/mapping/library/{file.name}", file.read_bytes())
            assert isinstance(source.data, Mapping), source.mistakes
            found[file.name.removesuffix(".yaml")] = source
    return found
