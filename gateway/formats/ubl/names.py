"""The names of UBL 2.1 (OASIS, ISO/IEC 19845)."""

INVOICE = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
CREDIT_NOTE = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"
ORDER = "urn:oasis:names:specification:ubl:schema:xsd:Order-2"
AGGREGATE = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
BASIC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"

PREFIXES = {AGGREGATE: "cac", BASIC: "cbc", INVOICE: "", CREDIT_NOTE: "", ORDER: ""}

INVOICE_ROOT = f"{{{INVOICE}}}Invoice"
CREDIT_NOTE_ROOT = f"{{{CREDIT_NOTE}}}CreditNote"
ORDER_ROOT = f"{{{ORDER}}}Order"

OBJECT_TYPE = "130"
"""The DocumentTypeCode that makes a document reference the invoiced object (BT-18, BT-128)."""
PROJECT_TYPE = "50"
"""The DocumentTypeCode that makes a document reference the project (BT-11) of a credit note."""
CREDITOR_SCHEME = "SEPA"
"""The schemeID that makes a party identification the creditor identifier (BT-90)."""
UNKNOWN = "NA"
"""What stands where a schema demands a value that EN 16931 does not: an order's or order line's number, a card network."""
