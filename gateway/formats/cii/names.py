"""The names of UN/CEFACT Cross Industry Invoice (D16B to D22B) and the codes that say what its references are."""

from collections.abc import Mapping

INVOICE = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
AGGREGATE = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
QUALIFIED = "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"
UNQUALIFIED = "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"

PREFIXES = {INVOICE: "rsm", AGGREGATE: "ram", QUALIFIED: "qdt", UNQUALIFIED: "udt"}

ROOT = f"{{{INVOICE}}}CrossIndustryInvoice"
ZUGFERD_1_ROOT = "{urn:ferd:CrossIndustryDocument:invoice:1p0}CrossIndustryDocument"
"""The root of ZUGFeRD 1.0 (2014), which is not a syntax of EN 16931."""

SUPPORTING_TYPE = "916"
"""The TypeCode (UNTDID 1001) that makes a referenced document a supporting one (BG-24)."""
TENDER_TYPE = "50"
"""The TypeCode that makes a referenced document the tender or lot (BT-17)."""
OBJECT_TYPE = "130"
"""The TypeCode that makes a referenced document the invoiced object (BT-18, BT-128)."""
PROJECT_NAME = "Project reference"
"""The name that the schema demands of a project (BT-11), as the binding prescribes it."""
VAT = "VAT"
VAT_SCHEME = "VA"
TAX_SCHEME = "FC"
"""The schemeIDs of a tax registration: VAT identifier (BT-31, BT-48, BT-63), fiscal number (BT-32)."""
GLN_SCHEME = "0088"
UNDEFINED_MEANS = "1"
"""UNTDID 4461 "instrument not defined": the means of payment where a document says only what it is paid with."""

TAX_POINTS: Mapping[str, str] = {"5": "3", "29": "35", "72": "432"}
"""The tax point (BT-8) in CII, UNTDID 2475, and what EN 16931 calls it, UNTDID 2005."""
