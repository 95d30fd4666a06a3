"""The names of countries, for the last line of an address; a country that is not here is printed by its code."""

from gateway.formats.pdf.labels import table

COUNTRIES = table(
    """
AT|Austria|Autriche|Österreich|Austria|Austria|Oostenrijk
AU|Australia|Australie|Australien|Australia|Australia|Australië
BE|Belgium|Belgique|Belgien|Bélgica|Belgio|België
BG|Bulgaria|Bulgarie|Bulgarien|Bulgaria|Bulgaria|Bulgarije
CA|Canada|Canada|Kanada|Canadá|Canada|Canada
CH|Switzerland|Suisse|Schweiz|Suiza|Svizzera|Zwitserland
CN|China|Chine|China|China|Cina|China
CY|Cyprus|Chypre|Zypern|Chipre|Cipro|Cyprus
CZ|Czechia|Tchéquie|Tschechien|Chequia|Cechia|Tsjechië
DE|Germany|Allemagne|Deutschland|Alemania|Germania|Duitsland
DK|Denmark|Danemark|Dänemark|Dinamarca|Danimarca|Denemarken
EE|Estonia|Estonie|Estland|Estonia|Estonia|Estland
ES|Spain|Espagne|Spanien|España|Spagna|Spanje
FI|Finland|Finlande|Finnland|Finlandia|Finlandia|Finland
FR|France|France|Frankreich|Francia|Francia|Frankrijk
GB|United Kingdom|Royaume-Uni|Vereinigtes Königreich|Reino Unido|Regno Unito|Verenigd Koninkrijk
GR|Greece|Grèce|Griechenland|Grecia|Grecia|Griekenland
HR|Croatia|Croatie|Kroatien|Croacia|Croazia|Kroatië
HU|Hungary|Hongrie|Ungarn|Hungría|Ungheria|Hongarije
IE|Ireland|Irlande|Irland|Irlanda|Irlanda|Ierland
IN|India|Inde|Indien|India|India|India
IS|Iceland|Islande|Island|Islandia|Islanda|IJsland
IT|Italy|Italie|Italien|Italia|Italia|Italië
JP|Japan|Japon|Japan|Japón|Giappone|Japan
LI|Liechtenstein|Liechtenstein|Liechtenstein|Liechtenstein|Liechtenstein|Liechtenstein
LT|Lithuania|Lituanie|Litauen|Lituania|Lituania|Litouwen
LU|Luxembourg|Luxembourg|Luxemburg|Luxemburgo|Lussemburgo|Luxemburg
LV|Latvia|Lettonie|Lettland|Letonia|Lettonia|Letland
MA|Morocco|Maroc|Marokko|Marruecos|Marocco|Marokko
MC|Monaco|Monaco|Monaco|Mónaco|Monaco|Monaco
MT|Malta|Malte|Malta|Malta|Malta|Malta
MX|Mexico|Mexique|Mexiko|México|Messico|Mexico
NL|Netherlands|Pays-Bas|Niederlande|Países Bajos|Paesi Bassi|Nederland
NO|Norway|Norvège|Norwegen|Noruega|Norvegia|Noorwegen
PL|Poland|Pologne|Polen|Polonia|Polonia|Polen
PT|Portugal|Portugal|Portugal|Portugal|Portogallo|Portugal
RO|Romania|Roumanie|Rumänien|Rumanía|Romania|Roemenië
SE|Sweden|Suède|Schweden|Suecia|Svezia|Zweden
SI|Slovenia|Slovénie|Slowenien|Eslovenia|Slovenia|Slovenië
SK|Slovakia|Slovaquie|Slowakei|Eslovaquia|Slovacchia|Slowakije
TN|Tunisia|Tunisie|Tunesien|Túnez|Tunisia|Tunesië
TR|Türkiye|Turquie|Türkei|Turquía|Turchia|Turkije
US|United States|États-Unis|Vereinigte Staaten|Estados Unidos|Stati Uniti|Verenigde Staten
"""
)
"""ISO 3166-1 alpha-2."""
