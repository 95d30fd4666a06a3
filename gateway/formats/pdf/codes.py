"""What the codes of an invoice are called: document types, VAT categories, means of payment, units, reasons, schemes.

A code that is not here is printed as it is: nothing is left out.
"""

from collections.abc import Mapping

from gateway.formats.pdf.labels import Language, table

DOCUMENT_TYPES = table(
    """
81|Credit note|Avoir|Gutschrift|Nota de crédito|Nota di credito|Creditnota
261|Self-billed credit note|Avoir autofacturé|Gutschrift zur Selbstabrechnung|Nota de crédito de autofacturación|Nota di credito in autofatturazione|Self-billing creditnota
325|Pro forma invoice|Facture pro forma|Proforma-Rechnung|Factura proforma|Fattura proforma|Pro-formafactuur
326|Partial invoice|Facture partielle|Teilrechnung|Factura parcial|Fattura parziale|Deelfactuur
380|Invoice|Facture|Rechnung|Factura|Fattura|Factuur
381|Credit note|Avoir|Gutschrift|Nota de crédito|Nota di credito|Creditnota
383|Debit note|Note de débit|Lastschriftanzeige|Nota de débito|Nota di debito|Debetnota
384|Corrected invoice|Facture rectificative|Rechnungskorrektur|Factura rectificativa|Fattura rettificativa|Gecorrigeerde factuur
386|Prepayment invoice|Facture d’acompte|Anzahlungsrechnung|Factura de anticipo|Fattura di acconto|Voorschotfactuur
389|Self-billed invoice|Facture autofacturée|Gutschrift (Selbstabrechnung)|Autofactura|Autofattura|Self-billing factuur
393|Factored invoice|Facture affacturée|Factoring-Rechnung|Factura cedida|Fattura ceduta|Gefactorde factuur
396|Factored credit note|Avoir affacturé|Factoring-Gutschrift|Nota de crédito cedida|Nota di credito ceduta|Gefactorde creditnota
"""
)
"""UNTDID 1001."""

VAT_CATEGORIES = table(
    """
S|Standard rate|Taux applicable|Regelsatz|Sujeto|Imponibile|Btw-tarief
Z|Zero rate|Taux zéro|Nullsatz|Tipo cero|Aliquota zero|Nultarief
E|Exempt from VAT|Exonéré de TVA|Steuerbefreit|Exento de IVA|Esente IVA|Vrijgesteld van btw
AE|Reverse charge|Autoliquidation|Steuerschuldnerschaft des Leistungsempfängers|Inversión del sujeto pasivo|Inversione contabile|Btw verlegd
K|Intra-Community supply|Livraison intracommunautaire|Innergemeinschaftliche Lieferung|Entrega intracomunitaria|Cessione intracomunitaria|Intracommunautaire levering
G|Export|Exportation|Ausfuhrlieferung|Exportación|Esportazione|Uitvoer
O|Outside the scope of VAT|Hors champ de la TVA|Nicht steuerbar|No sujeto a IVA|Fuori campo IVA|Buiten toepassing van btw
L|IGIC|IGIC|IGIC|IGIC|IGIC|IGIC
M|IPSI|IPSI|IPSI|IPSI|IPSI|IPSI
B|Split payment|Paiement scindé|Split Payment|Pago dividido|Scissione dei pagamenti|Gesplitste betaling
"""
)
"""UNTDID 5305."""

PAYMENT_MEANS = table(
    """
10|Cash|Espèces|Bar|Efectivo|Contanti|Contant
20|Cheque|Chèque|Scheck|Cheque|Assegno|Cheque
30|Credit transfer|Virement|Überweisung|Transferencia|Bonifico|Overschrijving
42|Bank transfer|Virement bancaire|Banküberweisung|Transferencia bancaria|Bonifico bancario|Bankoverschrijving
48|Bank card|Carte bancaire|Bankkarte|Tarjeta bancaria|Carta bancaria|Bankkaart
49|Direct debit|Prélèvement|Lastschrift|Domiciliación|Addebito diretto|Automatische incasso
54|Credit card|Carte de crédit|Kreditkarte|Tarjeta de crédito|Carta di credito|Creditcard
55|Debit card|Carte de débit|Debitkarte|Tarjeta de débito|Carta di debito|Debetkaart
57|Standing agreement|Accord permanent|Dauerauftrag|Acuerdo permanente|Accordo permanente|Doorlopende afspraak
58|SEPA credit transfer|Virement SEPA|SEPA-Überweisung|Transferencia SEPA|Bonifico SEPA|SEPA-overschrijving
59|SEPA direct debit|Prélèvement SEPA|SEPA-Lastschrift|Adeudo directo SEPA|Addebito diretto SEPA|SEPA-incasso
68|Online payment|Paiement en ligne|Online-Zahlung|Pago en línea|Pagamento online|Online betaling
97|Clearing|Compensation|Verrechnung|Compensación|Compensazione|Verrekening
"""
)
"""UNTDID 4461."""

TAX_POINTS = table(
    """
3|on issue of the invoice|d’après les débits|mit Rechnungsstellung|con la factura|alla data della fattura|bij facturering
35|on delivery|à la livraison|mit Lieferung|con la entrega|alla consegna|bij levering
432|on payment|à l’encaissement|mit Zahlung|con el pago|al pagamento|bij betaling
"""
)
"""UNTDID 2005 as BT-8 uses it; CII has codes of its own (UNTDID 2475) for the same three."""
TAX_POINT_ALIASES: Mapping[str, str] = {"5": "3", "29": "35", "72": "432"}

UNITS = table(
    """
C62|pc|pce|Stk.|ud.|pz|st.
H87|pc|pce|Stk.|ud.|pz|st.
EA|pc|pce|Stk.|ud.|pz|st.
NAR|pc|pce|Stk.|ud.|pz|st.
XPP|pc|pce|Stk.|ud.|pz|st.
PR|pair|paire|Paar|par|paio|paar
DZN|dozen|douzaine|Dtzd.|docena|dozzina|dozijn
SET|set|jeu|Satz|juego|set|set
LS|lump sum|forfait|pauschal|a tanto alzado|a forfait|vaste prijs
P1|%|%|%|%|%|%
KGM|kg|kg|kg|kg|kg|kg
GRM|g|g|g|g|g|g
TNE|t|t|t|t|t|t
LTR|l|l|l|l|l|l
MLT|ml|ml|ml|ml|ml|ml
HLT|hl|hl|hl|hl|hl|hl
MTR|m|m|m|m|m|m
CMT|cm|cm|cm|cm|cm|cm
MMT|mm|mm|mm|mm|mm|mm
KMT|km|km|km|km|km|km
MTK|m²|m²|m²|m²|m²|m²
MTQ|m³|m³|m³|m³|m³|m³
KWH|kWh|kWh|kWh|kWh|kWh|kWh
MWH|MWh|MWh|MWh|MWh|MWh|MWh
SEC|s|s|s|s|s|s
MIN|min|min|Min.|min|min|min
HUR|h|h|Std.|h|h|uur
DAY|day|jour|Tag|día|giorno|dag
WEE|week|semaine|Woche|semana|settimana|week
MON|month|mois|Monat|mes|mese|maand
ANN|year|an|Jahr|año|anno|jaar
XPK|pack|paquet|Packung|paquete|pacco|pak
XBX|box|boîte|Schachtel|caja|scatola|doos
XCT|carton|carton|Karton|cartón|cartone|karton
XCS|case|caisse|Kiste|caja|cassa|kist
XPX|pallet|palette|Palette|palé|pallet|pallet
XBG|bag|sac|Beutel|bolsa|sacco|zak
XSA|sack|sac|Sack|saco|sacco|zak
XBO|bottle|bouteille|Flasche|botella|bottiglia|fles
XRO|roll|rouleau|Rolle|rollo|rotolo|rol
XDR|drum|fût|Fass|bidón|fusto|vat
XPA|packet|paquet|Päckchen|paquete|pacchetto|pakje
"""
)
"""UN/ECE Recommendations 20 and 21."""

REASONS = table(
    """
41|Bonus for works ahead of schedule|Prime d’avance|Bonus für vorzeitige Fertigstellung|Prima por adelanto|Premio di anticipo|Bonus voor vroege oplevering
64|Special agreement|Accord particulier|Sondervereinbarung|Acuerdo especial|Accordo speciale|Bijzondere afspraak
95|Discount|Remise|Rabatt|Descuento|Sconto|Korting
100|Special rebate|Ristourne|Sonderrabatt|Bonificación especial|Sconto speciale|Bijzondere korting
102|Fixed long term|Remise de fidélité|Langfristrabatt|Descuento de fidelidad|Sconto fedeltà|Langetermijnkorting
103|Temporary|Remise temporaire|Befristeter Rabatt|Descuento temporal|Sconto temporaneo|Tijdelijke korting
104|Standard|Remise usuelle|Standardrabatt|Descuento habitual|Sconto standard|Standaardkorting
ABL|Packaging|Emballage|Verpackung|Embalaje|Imballaggio|Verpakking
ADR|Other services|Autres services|Sonstige Leistungen|Otros servicios|Altri servizi|Overige diensten
FC|Freight|Transport|Fracht|Transporte|Trasporto|Vracht
FI|Financing|Financement|Finanzierung|Financiación|Finanziamento|Financiering
IN|Insurance|Assurance|Versicherung|Seguro|Assicurazione|Verzekering
PC|Packing|Conditionnement|Verpackung|Embalaje|Imballaggio|Verpakking
"""
)
"""UNTDID 5189 (allowances, numbers) and 7161 (charges, letters)."""

SCHEMES: Mapping[str, str] = {
    "0002": "SIREN",
    "0007": "Org.nr",
    "0009": "SIRET",
    "0060": "D-U-N-S",
    "0088": "GLN",
    "0106": "KvK",
    "0183": "UID",
    "0190": "OIN",
    "0192": "Orgnr",
    "0204": "Leitweg-ID",
    "0208": "KBO/BCE",
    "0210": "Codice fiscale",
    "0211": "Partita IVA",
}
"""ISO 6523 ICD: what people call the identifier."""


def word(words: Mapping[Language, Mapping[str, str]], language: Language, code: str) -> str:
    """The word for a code, or the code itself."""
    return words[language].get(code, code)
