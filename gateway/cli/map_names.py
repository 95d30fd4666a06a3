"""What columns and elements of invoices are usually called, in English, French and German, by term."""

import re
import unicodedata
from collections.abc import Mapping

_HEADER = """
BT-1 number invoicenumber invoiceno invoiceid numero numerofacture nofacture facture rechnungsnummer rechnungsnr belegnummer
BT-2 date invoicedate issuedate datefacture dateemission rechnungsdatum belegdatum
BT-3 type invoicetype typecode documenttype typefacture typedocument rechnungsart belegart
BT-5 currency currencycode devise monnaie waehrung
BT-9 due duedate paymentduedate echeance dateecheance faelligkeit faelligkeitsdatum
BT-10 buyerreference yourreference votrereference kaeuferreferenz leitwegid ihrzeichen
BT-13 order orderno ordernumber purchaseorder ponumber po commande numerocommande nocommande bestellung bestellnummer
BT-16 deliverynote deliverynotenumber despatchadvice bonlivraison bl lieferschein lieferscheinnummer
BT-72 delivered deliverydate datelivraison lieferdatum
BT-20 terms paymentterms conditions conditionspaiement zahlungsbedingungen
BT-22 note notes comment comments commentaire remarque bemerkung hinweis
BT-27 seller sellername supplier suppliername vendor vendeur fournisseur verkaeufer lieferant
BT-29 sellergln suppliergln glnvendeur glnfournisseur
BT-31 sellervat suppliervat sellervatid tvavendeur ustidverkaeufer
BT-40 sellercountry paysvendeur
BT-44 buyer buyername customer customername acheteur client nomclient kaeufer kunde kundenname
BT-46 buyergln customergln glnacheteur glnclient glnkaeufer
BT-48 buyervat customervat buyervatid tvaacheteur tvaclient ustidkaeufer
BT-50 buyerstreet customerstreet rueclient
BT-52 buyercity customercity villeclient
BT-53 buyerpostcode customerpostcode buyerzip codepostalclient
BT-55 buyercountry customercountry paysclient
"""
_LINES = """
BT-126 line lineno linenumber position pos ligne numeroligne noligne zeile
BT-129 qty quantity invoicedquantity quantite qte menge
BT-130 uom unit unitcode unite einheit mengeneinheit
BT-131 amount lineamount netamount montant montantligne montantht betrag nettobetrag
BT-132 orderline orderlinenumber lignecommande bestellposition
BT-146 price unitprice netprice prix prixunitaire preis einzelpreis
BT-152 vat vatrate taxrate tva tauxtva mwst mwstsatz ust steuersatz
BT-153 name item itemname description designation libelle article bezeichnung artikel
BT-155 sku itemnumber itemno articlenumber reference refarticle codearticle artikelnummer artikelnr
BT-157 gtin ean barcode gencod
"""


def _table(text: str) -> Mapping[str, str]:
    rows = (row.split() for row in text.strip().splitlines())
    return {name: term for term, *names in rows for name in names}


HEADER: Mapping[str, str] = _table(_HEADER)
LINES: Mapping[str, str] = _table(_LINES)
"""Name as `plain` makes it → term."""


def plain(name: str) -> str:
    """A name in small ASCII letters and digits: `N° Facture` is `nofacture`, `Währung` is `waehrung`."""
    text = name.lower().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss").replace("°", "o")
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", folded)
