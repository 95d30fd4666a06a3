"""Sample documents that do not get the verdict of their manifest, each with what happens to it and why."""

from collections.abc import Iterator, Mapping

_REASONS: Mapping[tuple[str, str], tuple[str, ...]] = {
    # nothing reads these formats; they are told by their names
    ("unread", "EDIFACT written as XML is not read"): (
        "edifact-xml/connectingeuro__EDIFACT_EXAMPLE1.xml",
        "edifact-xml/connectingeuro__EDIFACT_EXAMPLE2.xml",
        "edifact-xml/connectingeuro__EDIFACT_EXAMPLE3.xml",
        "edifact-xml/connectingeuro__EDIFACT_EXAMPLE4.xml",
        "edifact-xml/connectingeuro__EDIFACT_EXAMPLE6.xml",
        "edifact-xml/connectingeuro__EDIFACT_EXAMPLE7.xml",
    ),
    ("unread", "orders are read in UBL, EDIFACT and X12, not in Order-X"): (
        "order/akretion__order-x-basic.xml",
        "order/akretion__order-x-comfort.xml",
    ),
    ("unread", "lifecycle messages CDAR are not read"): (
        "france-cdar/phax__UC1_F202500003_01-CDV-200_Deposee.xml",
        "france-cdar/phax__UC1_F202500003_05-CDV-205_Approuvee.xml",
        "france-cdar/phax__UC1_F202500003_06-CDV-211_Paiement_transmis.xml",
        "france-cdar/phax__UC1_F202500003_07-CDV-212_Encaissee.xml",
    ),
    ("unread", "text of fixed width is read with a layout, which nobody knows of this file"): (
        "flat/bots-edi__invoic96.inh",
    ),
    # right documents of kinds that are not read from that format
    ("rejected", "a cXML document that is no invoice"): (
        "cxml/friendsofcxml__OrderRequest.xml",
        "cxml/friendsofcxml__ShipNoticeRequest.xml",
        "cxml/friendsofcxml__StatusUpdateRequest.xml",
    ),
    ("rejected", "an IDoc is read in XML, not as a flat file"): ("idoc/bots-edi__ORDERS01001.idoc",),
    # envelopes that are right, or wrong in a way that can be let pass, about documents that lack what there is none without
    ("rejected", "the invoice has no currency (BT-5)"): (
        "edifact/smooks__INVOIC_D.03B_Interchange_with_UNA.txt",
        "edifact/smooks__invoic.txt",
        "edifact/xlate__invoic_d93a_una.edi",
    ),
    ("rejected", "an allowance of a percentage alone, whose amount (BT-136) is said nowhere"): (
        "edifact/anatoli308__EANCOM_Invoice.txt",
        "edifact/anatoli308__EDIFACT_Invoice.txt",
        "edifact/anatoli308__EDIFACT_MixedTransactions.txt",
    ),
    ("rejected", "the segments of its messages are made up"): (
        "edifact/smooks__smooks_no_ung_unedifact-msg-01.edi",
        "edifact/smooks__smooks_with_ung_unedifact-msg-01.edi",
        "edifact/smooks__smooks_with_ung_unedifact-msg-02.edi",
        "edifact/smooks__smooks_with_ung_unedifact-msg-05.edi",
    ),
    ("lenient", "it declares UNOA and has an Ü, which the manifest did not look at"): (
        "edifact/xlate__invoic_d97b.edi",
    ),
    ("accepted", "the manifest did not put its broken lines together; put together, its trailers are right"): (
        "edifact/xlate__wrapped_invoic_d97b_una.edi",
    ),
    # official rules of another edition, or none
    ("accepted", "the corrected edition of BR-FR 1.4.0 does not look at BT-128 any more"): (
        "france/facturxapi__ubl-bt128-espace.xml",
    ),
    ("accepted", "official rules are green; its source calls it invalid without saying by which rule"): (
        "invalid-xml/zugferd__not_validating_full_invoice_based_onTest_EeISI_300_CENfullmodel.cii.xml",
    ),
    (
        "accepted",
        "the invoice in it is right; that the PDF around it is no PDF/A-3 is no reason to refuse the invoice",
    ): ("facturx-pdf/zugferd__EN16931_Einfach.pdf",),
}


def _listed() -> Iterator[tuple[str, tuple[str, str]]]:
    for why, files in _REASONS.items():
        for file in files:
            yield file, why


DIFFERENCES: Mapping[str, tuple[str, str]] = dict(_listed())
"""File → its outcome, and the reason why the manifest says otherwise."""
