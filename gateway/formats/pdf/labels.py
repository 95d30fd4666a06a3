"""The words printed on an invoice, in every language it can be printed in: one row a label, one column a language."""

from collections.abc import Mapping
from typing import Literal, get_args

Language = Literal["en", "fr", "de", "es", "it", "nl"]
"""The languages, by their primary subtag (BCP 47), in the order of the columns."""
LANGUAGES: tuple[Language, ...] = get_args(Language)

COUNTRY_LANGUAGES: Mapping[str, tuple[Language, ...]] = {
    "AD": ("es", "fr"),
    "AT": ("de",),
    "BE": ("nl", "fr", "de"),
    "CH": ("de", "fr", "it"),
    "DE": ("de",),
    "ES": ("es",),
    "FR": ("fr",),
    "GF": ("fr",),
    "GP": ("fr",),
    "IT": ("it",),
    "LI": ("de",),
    "LU": ("fr", "de"),
    "MC": ("fr",),
    "MQ": ("fr",),
    "MX": ("es",),
    "NL": ("nl",),
    "RE": ("fr",),
    "SM": ("it",),
    "YT": ("fr",),
}
"""The languages of a country (ISO 3166-1 alpha-2) among ours; the first where the seller's country decides nothing."""

_ROWS = """
page|Page {page} of {pages}|Page {page} sur {pages}|Seite {page} von {pages}|Página {page} de {pages}|Pagina {page} di {pages}|Pagina {page} van {pages}
seller|Seller|Vendeur|Verkäufer|Vendedor|Venditore|Verkoper
buyer|Buyer|Client|Kunde|Cliente|Cliente|Klant
payee|Payee|Bénéficiaire du paiement|Zahlungsempfänger|Beneficiario del pago|Beneficiario del pagamento|Begunstigde
tax_representative|Tax representative|Représentant fiscal|Steuervertreter|Representante fiscal|Rappresentante fiscale|Fiscaal vertegenwoordiger
deliver_to|Delivered to|Livré à|Lieferadresse|Entregado en|Consegnato a|Geleverd aan
contact|Contact|Contact|Ansprechpartner|Contacto|Contatto|Contactpersoon
vat_id|VAT no.|N° TVA|USt-IdNr.|NIF-IVA|Partita IVA|Btw-nr.
tax_id|Tax no.|N° fiscal|Steuernummer|N.º fiscal|Codice fiscale|Belastingnr.
legal_id|Registration no.|N° d’immatriculation|Registernummer|N.º de registro|N. di registro|Registratienr.
identifier|Identifier|Identifiant|Kennung|Identificador|Identificativo|Identificatie
electronic_address|Electronic address|Adresse électronique|Elektronische Adresse|Dirección electrónica|Indirizzo elettronico|Elektronisch adres
issue_date|Date|Date|Datum|Fecha|Data|Datum
due_date|Due date|Échéance|Fällig am|Vencimiento|Scadenza|Vervaldatum
tax_point_date|Tax point|Exigibilité de la TVA|Steuerzeitpunkt|Devengo del IVA|Esigibilità IVA|Btw-tijdstip
tax_point_code|VAT falls due|TVA exigible|USt. entsteht|IVA exigible|IVA esigibile|Btw verschuldigd
period|Period|Période|Zeitraum|Periodo|Periodo|Periode
order|Your order|Votre commande|Ihre Bestellung|Su pedido|Vostro ordine|Uw order
sales_order|Our order|Notre commande|Unser Auftrag|Nuestro pedido|Nostro ordine|Onze order
contract|Contract|Contrat|Vertrag|Contrato|Contratto|Contract
project|Project|Projet|Projekt|Proyecto|Progetto|Project
despatch_advice|Delivery note|Bon de livraison|Lieferschein|Albarán|Documento di trasporto|Pakbon
receiving_advice|Goods receipt|Avis de réception|Wareneingang|Aviso de recepción|Avviso di ricevimento|Ontvangstbewijs
tender|Tender or lot|Appel d’offres ou lot|Ausschreibung oder Los|Licitación o lote|Gara o lotto|Aanbesteding of perceel
object_id|Invoiced object|Objet facturé|Abgerechnetes Objekt|Objeto facturado|Oggetto fatturato|Gefactureerd object
buyer_reference|Your reference|Votre référence|Ihre Referenz|Su referencia|Vostro riferimento|Uw referentie
accounting_reference|Cost centre|Imputation comptable|Kostenstelle|Imputación contable|Imputazione contabile|Kostenplaats
preceding|Preceding invoice|Facture d’origine|Ursprüngliche Rechnung|Factura anterior|Fattura precedente|Eerdere factuur
delivery_date|Delivery date|Date de livraison|Lieferdatum|Fecha de entrega|Data di consegna|Leverdatum
dated|{number} of {date}|{number} du {date}|{number} vom {date}|{number} del {date}|{number} del {date}|{number} van {date}
from_to|{start} – {end}|du {start} au {end}|{start} – {end}|del {start} al {end}|dal {start} al {end}|{start} – {end}
from|from {start}|à partir du {start}|ab {start}|desde el {start}|dal {start}|vanaf {start}
until|until {end}|jusqu’au {end}|bis {end}|hasta el {end}|fino al {end}|tot en met {end}
line|No.|N°|Pos.|N.º|N.|Nr.
description|Description|Désignation|Bezeichnung|Descripción|Descrizione|Omschrijving
quantity|Quantity|Quantité|Menge|Cantidad|Quantità|Aantal
price|Unit price|Prix unitaire HT|Einzelpreis|Precio unitario|Prezzo unitario|Prijs per eenheid
vat|VAT|TVA|USt.|IVA|IVA|Btw
amount|Amount|Montant HT|Betrag|Importe|Importo|Bedrag
per|per {quantity}|pour {quantity}|je {quantity}|por {quantity}|per {quantity}|per {quantity}
seller_item|Item no.|Réf.|Artikelnr.|Ref.|Codice|Artikelnr.
buyer_item|Your item no.|Votre réf.|Ihre Artikelnr.|Su ref.|Vostro codice|Uw artikelnr.
standard_item|GTIN|GTIN|GTIN|GTIN|GTIN|GTIN
classification|Classification|Classification|Klassifizierung|Clasificación|Classificazione|Classificatie
origin|Origin|Origine|Ursprung|Origen|Origine|Oorsprong
order_line|Order line|Ligne de commande|Bestellposition|Línea de pedido|Riga d’ordine|Orderregel
gross_price|Gross price {gross}, discount {discount}|Prix brut {gross}, remise {discount}|Bruttopreis {gross}, Nachlass {discount}|Precio bruto {gross}, descuento {discount}|Prezzo lordo {gross}, sconto {discount}|Brutoprijs {gross}, korting {discount}
allowance|Discount|Remise|Nachlass|Descuento|Sconto|Korting
charge|Charge|Frais|Zuschlag|Recargo|Maggiorazione|Toeslag
percent_of|{percent} of {base}|{percent} de {base}|{percent} von {base}|{percent} de {base}|{percent} di {base}|{percent} van {base}
adjustments|Discounts and charges|Remises et frais|Nachlässe und Zuschläge|Descuentos y recargos|Sconti e maggiorazioni|Kortingen en toeslagen
vat_breakdown|VAT|TVA|Umsatzsteuer|IVA|IVA|Btw
rate|Rate|Taux|Satz|Tipo|Aliquota|Tarief
taxable|Taxable amount|Base HT|Nettobetrag|Base imponible|Imponibile|Grondslag
tax|VAT amount|Montant TVA|Steuerbetrag|Cuota|Imposta|Btw-bedrag
totals|Totals|Totaux|Summen|Totales|Totali|Totalen
total_lines|Sum of lines|Total des lignes|Summe der Positionen|Suma de líneas|Totale righe|Totaal regels
total_allowances|Discounts|Remises|Nachlässe|Descuentos|Sconti|Kortingen
total_charges|Charges|Frais|Zuschläge|Recargos|Maggiorazioni|Toeslagen
total_without_vat|Total without VAT|Total HT|Gesamtbetrag ohne USt.|Total sin IVA|Totale IVA esclusa|Totaal excl. btw
total_vat|VAT|TVA|Umsatzsteuer|IVA|IVA|Btw
total_vat_accounting|VAT in {currency}|TVA en {currency}|Umsatzsteuer in {currency}|IVA en {currency}|IVA in {currency}|Btw in {currency}
total_with_vat|Total with VAT|Total TTC|Gesamtbetrag mit USt.|Total con IVA|Totale IVA inclusa|Totaal incl. btw
total_paid|Already paid|Déjà réglé|Bereits gezahlt|Ya pagado|Già pagato|Reeds betaald
total_rounding|Rounding|Arrondi|Rundung|Redondeo|Arrotondamento|Afronding
total_due|Amount due|Net à payer|Zahlbetrag|Importe a pagar|Importo da pagare|Te betalen
total_credit|Amount in your favour|Net à votre crédit|Gutschriftbetrag|Importe a su favor|Importo a vostro credito|Bedrag in uw voordeel
payment|Payment|Règlement|Zahlung|Pago|Pagamento|Betaling
means|Means of payment|Mode de règlement|Zahlungsweise|Forma de pago|Modalità di pagamento|Betaalwijze
terms|Terms|Conditions|Bedingungen|Condiciones|Condizioni|Voorwaarden
remittance|Please quote|Référence à rappeler|Verwendungszweck|Concepto|Causale|Betalingskenmerk
account|Account|Compte|Konto|Cuenta|Conto|Rekening
account_name|Account holder|Titulaire|Kontoinhaber|Titular|Intestatario|Rekeninghouder
card|Card|Carte|Karte|Tarjeta|Carta|Kaart
mandate|Mandate|Mandat|Mandat|Mandato|Mandato|Machtiging
creditor|Creditor identifier|Identifiant créancier|Gläubiger-ID|Identificador del acreedor|Identificativo del creditore|Incassant-ID
debited|Debited account|Compte débité|Belastetes Konto|Cuenta adeudada|Conto addebitato|Gedebiteerde rekening
notes|Notes|Mentions|Hinweise|Observaciones|Note|Opmerkingen
note_pmt|Recovery costs|Indemnité de recouvrement|Beitreibungskosten|Costes de cobro|Spese di recupero|Incassokosten
note_pmd|Late payment|Pénalités de retard|Verzugszinsen|Intereses de demora|Interessi di mora|Te late betaling
note_aab|Early payment|Escompte|Skonto|Pronto pago|Pagamento anticipato|Betalingskorting
attachments|Attached documents|Pièces jointes|Anlagen|Documentos adjuntos|Allegati|Bijlagen
"""


def table(rows: str) -> dict[Language, dict[str, str]]:
    """Rows of `key|text in each language` as one dictionary a language."""
    found: dict[Language, dict[str, str]] = {language: {} for language in LANGUAGES}
    for row in rows.strip().splitlines():
        key, *texts = row.split("|")
        for language, text in zip(LANGUAGES, texts, strict=True):
            found[language][key] = text
    return found


LABELS = table(_ROWS)


def language_for(buyer_country: str | None, seller_country: str | None) -> Language:
    """The language of the buyer's country; where it has several, the one it shares with the seller's; else English."""
    spoken = COUNTRY_LANGUAGES.get(buyer_country or "", ("en",))
    common = [each for each in COUNTRY_LANGUAGES.get(seller_country or "", ()) if each in spoken]
    return common[0] if common else spoken[0]
