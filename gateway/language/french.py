"""The sentences of findings in French: the English template as it stands in the code, and its translation."""

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    # words of their own
    "{first} or {last}": "{first} ou {last}",
    "{first} … ({count} in all)": "{first} … ({count} en tout)",
    "{ranges} and {rest} more": "{ranges} et {rest} de plus",
    "{text} (line {ranges})": "{text} (ligne {ranges})",
    "{text} (lines {ranges})": "{text} (lignes {ranges})",
    "{text} (item {ranges} of {group})": "{text} (élément {ranges} de {group})",
    "{text} (items {ranges} of {group})": "{text} (éléments {ranges} de {group})",
    "{count} more findings are not listed; correct those above and send the document again": (
        "{count} autres constats ne sont pas listés ; corrigez ceux qui précèdent et renvoyez le document"
    ),
    "nothing": "rien",
    # require, forbid, matches, in, count
    "{label} is missing": "{label} : valeur absente",
    "none of these is given, and one is needed: {labels}": "aucune de ces valeurs n'est donnée, il en faut une : {labels}",
    "{labels} is not on every {group}: there is none": "{labels} n'est pas sur chaque élément {group} : il n'y en a aucun",
    "{labels} is not on every {group}: {lacking} of {count} items, the first of them item {number}": (
        "{labels} n'est pas sur chaque élément {group} : {lacking} éléments sur {count}, le premier est le n° {number}"
    ),
    "{here} is missing, and {rest}": "{here} : valeur absente, et {rest}",
    "{count} item": "{count} élément",
    "{count} items": "{count} éléments",
    "{label} must not be given": "{label} ne doit pas être donné",
    "{label} has {length} characters; at most {most} can be checked": (
        "{label} a {length} caractères ; on peut en contrôler {most} au plus"
    ),
    "{label} is '{found}', which is not of the form {pattern}": "{label} vaut « {found} », qui n'a pas la forme {pattern}",
    "{label} is '{found}'; allowed is {expected}": "{label} vaut « {found} » ; valeurs permises : {expected}",
    "at least {number}": "au moins {number}",
    "at most {number}": "au plus {number}",
    "there are {count} {label}; {bound} are needed": "il y a {count} {label} ; il en faut {bound}",
    "there are {count} {label}; {bound} are allowed": "il y a {count} {label} ; il en est permis {bound}",
    "different values of {label}": "valeurs différentes de {label}",
    # checkdigit
    "{label} is '{found}', which is not {expected}": "{label} vaut « {found} », qui n'est pas {expected}",
    "a GLN (13 digits with check digit)": "un GLN (13 chiffres avec clé de contrôle)",
    "a GTIN (8, 12, 13 or 14 digits with check digit)": "un GTIN (8, 12, 13 ou 14 chiffres avec clé de contrôle)",
    "an SSCC (18 digits with check digit)": "un SSCC (18 chiffres avec clé de contrôle)",
    "a SIREN (9 digits with check digit)": "un SIREN (9 chiffres avec clé de contrôle)",
    "a SIRET (14 digits with check digit)": "un SIRET (14 chiffres avec clé de contrôle)",
    "a number with a Luhn check digit": "un numéro avec clé de Luhn",
    "an IBAN (no spaces, with check digits)": "un IBAN (sans espaces, avec clé de contrôle)",
    "a French VAT number (FR, key of two characters, SIREN)": (
        "un numéro de TVA français (FR, clé de deux caractères, SIREN)"
    ),
    # compare
    "{label} cannot be compared with {right}: {reason}": "{label} ne peut pas être comparé à {right} : {reason}",
    "{label} is {found}; {source} asks for {expected}": "{label} vaut {found} ; {source} demande {expected}",
    "{label} is {found}; {source} asks for {expected} (tolerance {tolerance})": (
        "{label} vaut {found} ; {source} demande {expected} (tolérance {tolerance})"
    ),
    "the rule": "la règle",
    "order {number}": "la commande {number}",
    "order {number} line {line}": "la commande {number} ligne {line}",
    "order {number} is not known here": "la commande {number} n'est pas connue ici",
    "the invoice names no order": "la facture ne nomme aucune commande",
    "the line {reason}": "la ligne {reason}",
    "{source} does not have it": "{source} ne l'a pas",
    # the lines of orders
    "fits {count} lines of order {number} ({ids})": "correspond à {count} lignes de la commande {number} ({ids})",
    "has an item that is not in order {number}": "porte un article qui n'est pas dans la commande {number}",
    "names a line that order {number} has {count} times": (
        "nomme une ligne que la commande {number} contient {count} fois"
    ),
    "names a line that order {number} does not have": "nomme une ligne que la commande {number} ne contient pas",
    # sum
    "{label} is {found}, but {parts} gives {expected}": "{label} vaut {found}, mais {parts} donne {expected}",
    "{label} is 0, and nothing can be divided by it": "{label} vaut 0, et rien ne peut être divisé par zéro",
    # date_window
    "not before {day}": "pas avant le {day}",
    "not after {day}": "pas après le {day}",
    "{first} and {last}": "{first} et {last}",
    "today": "aujourd'hui",
    "{label} is {found}, but must be {expected} (counted from {base}, {day})": (
        "{label} est le {found}, mais doit être {expected} (compté à partir de {base}, {day})"
    ),
    # unique
    "{key} ({found}) is already that of {holder}": "{key} ({found}) est déjà celui de {holder}",
    "a document that is not here yet": "un document qui n'est pas encore ici",
    "document {id} ({kind} {number}) of {moment} UTC": "document {id} ({kind} {number}) du {moment} UTC",
    # expr
    "'{expression}' is not true{values}": "« {expression} » n'est pas vrai{values}",
    "'{expression}' cannot be computed: {reason}": "« {expression} » ne peut pas être calculé : {reason}",
    "it divides by zero": "une division par zéro",
    "a number has too many digits": "un nombre a trop de chiffres",
    "{label} has {length} characters": "{label} a {length} caractères",
    "a text has {length} characters; at most {most} can be searched": (
        "un texte a {length} caractères ; on peut en parcourir {most} au plus"
    ),
    # order_match
    "{label} is {found}, but {source} is in {expected}": "{label} vaut {found}, mais {source} est en {expected}",
    "{label} is {found}, but {source} counts in {expected}": "{label} vaut {found}, mais {source} compte en {expected}",
    "the price is {found}, but {source} says {expected}": "le prix est {found}, mais {source} dit {expected}",
    "the price is {found}, but {source} says {expected} (tolerance {tolerance})": (
        "le prix est {found}, mais {source} dit {expected} (tolérance {tolerance})"
    ),
    "{source} has no {what} to compare with": "{source} n'a pas de {what} à comparer",
    "price": "prix",
    "quantity": "quantité",
    "{found} is invoiced of {source}, but {expected} was ordered": (
        "{found} est facturé de {source}, mais {expected} a été commandé"
    ),
    "{found} is invoiced of {source} and {before} was before, but {expected} was ordered": (
        "{found} est facturé de {source} et {before} l'a été avant, mais {expected} a été commandé"
    ),
    # credit
    "the credit note does not say which invoice it corrects": "l'avoir ne dit pas quelle facture il corrige",
    "invoice {number} is not known here for this customer": "la facture {number} n'est pas connue ici pour ce client",
    "invoice {number} is of {expected}, not of {found}": "la facture {number} est du {expected}, non du {found}",
    "invoice {number} is in {expected}, the credit note in {found}": (
        "la facture {number} est en {expected}, l'avoir en {found}"
    ),
    "{label} is {found}; the amounts of this credit note must be {expected}": (
        "{label} vaut {found} ; les montants de cet avoir doivent être {expected}"
    ),
    "positive": "positifs",
    "negative": "négatifs",
    "{found} is credited of {numbers}, but only {expected} was invoiced": (
        "{found} est crédité de {numbers}, mais {expected} seulement a été facturé"
    ),
    "{found} is credited of {numbers} and {before} was before, but only {expected} was invoiced": (
        "{found} est crédité de {numbers} et {before} l'a été avant, mais {expected} seulement a été facturé"
    ),
    # python
    "the function {function} failed: {error}": "la fonction {function} a échoué : {error}",
    "the function {function} found more than {most} things": "la fonction {function} a trouvé plus de {most} choses",
    "correct the function, or take the rule out, then replay": "corrigez la fonction ou retirez la règle, puis rejouez",
    # enrichment
    "{label} is '{before}', but {source} says '{found}'; the invoice's value is kept": (
        "{label} vaut « {before} », mais {source} dit « {found} » ; la valeur de la facture est gardée"
    ),
    "{label} cannot be set to '{found}' from {source}: {error}": (
        "{label} ne peut pas recevoir « {found} » de {source} : {error}"
    ),
    "purchase order '{number}' is not known here; nothing was added from it": (
        "le bon de commande « {number} » n'est pas connu ici ; rien n'en a été ajouté"
    ),
    "the invoice names no purchase order; nothing was added from it": (
        "la facture ne nomme aucun bon de commande ; rien n'en a été ajouté"
    ),
    "send the order to the gateway, or correct the order number": (
        "envoyez la commande à la passerelle, ou corrigez le numéro de commande"
    ),
    "give the order number": "donnez le numéro de commande",
    "the line {reason}; nothing was added to it": "la ligne {reason} ; rien n'y a été ajouté",
    "give the order line number (BT-132)": "donnez le numéro de ligne de commande (BT-132)",
    "correct the item or the order": "corrigez l'article ou la commande",
    "the partner's file": "le fichier du partenaire",
    "the table {file} has no row for {keys}": "la table {file} n'a pas de ligne pour {keys}",
    "the table {file} cannot be used: {error}": "la table {file} est inutilisable : {error}",
    "the table {file}, line {line}": "la table {file}, ligne {line}",
    "'{found}' in {source} is no value for {label}: {error}": (
        "« {found} » de {source} n'est pas une valeur pour {label} : {error}"
    ),
    "add the row to the table, then replay": "ajoutez la ligne à la table, puis rejouez",
    "correct the table, then replay": "corrigez la table, puis rejouez",
    "the expression {expression}": "l'expression {expression}",
    "{label} cannot be computed: {reason}": "{label} ne peut pas être calculé : {reason}",
    "correct the invoice or the expression, then replay": "corrigez la facture ou l'expression, puis rejouez",
}
"""English template → French template, with the same placeholders."""
