"""The business names of terms and groups in French, in the words of the French edition of EN 16931-1."""

from collections.abc import Mapping

_ROWS = """
BG-1|Note de facture
BG-3|Référence à une facture antérieure
BG-4|Vendeur
BG-7|Acheteur
BG-17|Virement
BG-20|Remise au niveau du document
BG-21|Charge ou frais au niveau du document
BG-23|Récapitulatif de la TVA
BG-24|Document justificatif additionnel
BG-25|Ligne de facture
BG-27|Remise de ligne de facture
BG-28|Charge ou frais de ligne de facture
BG-31-CL|Classification de l'article
BG-32|Attribut d'article
BT-1|Numéro de facture
BT-2|Date d'émission de la facture
BT-3|Code de type de facture
BT-5|Code de devise de la facture
BT-6|Code de devise de comptabilisation de la TVA
BT-7|Date d'exigibilité de la TVA
BT-8|Code de date d'exigibilité de la TVA
BT-9|Date d'échéance
BT-10|Référence de l'acheteur
BT-11|Référence du projet
BT-12|Référence du contrat
BT-13|Référence du bon de commande
BT-14|Référence de l'ordre de vente
BT-15|Référence de l'avis de réception
BT-16|Référence de l'avis d'expédition
BT-17|Référence de l'appel d'offres ou du lot
BT-18|Identifiant de l'objet facturé
BT-18-1|Schéma de l'identifiant de l'objet facturé
BT-19|Référence comptable de l'acheteur
BT-20|Conditions de paiement
BT-21|Code du sujet de la note de facture
BT-22|Note de facture
BT-23|Type de processus métier
BT-24|Identifiant de spécification
BT-25|Référence à une facture antérieure
BT-26|Date d'émission de la facture antérieure
BT-27|Nom du vendeur
BT-28|Appellation commerciale du vendeur
BT-29|Identifiant du vendeur
BT-29-1|Schéma de l'identifiant du vendeur
BT-30|Identifiant d'enregistrement légal du vendeur
BT-30-1|Schéma de l'identifiant d'enregistrement légal du vendeur
BT-31|Identifiant à la TVA du vendeur
BT-32|Identifiant d'enregistrement fiscal du vendeur
BT-33|Informations juridiques complémentaires du vendeur
BT-34|Adresse électronique du vendeur
BT-34-1|Schéma de l'adresse électronique du vendeur
BT-35|Adresse du vendeur, ligne 1
BT-36|Adresse du vendeur, ligne 2
BT-37|Localité du vendeur
BT-38|Code postal du vendeur
BT-39|Subdivision du pays du vendeur
BT-40|Code de pays du vendeur
BT-41|Point de contact du vendeur
BT-42|Numéro de téléphone du contact du vendeur
BT-43|Adresse de courriel du contact du vendeur
BT-162|Adresse du vendeur, ligne 3
BT-44|Nom de l'acheteur
BT-45|Appellation commerciale de l'acheteur
BT-46|Identifiant de l'acheteur
BT-46-1|Schéma de l'identifiant de l'acheteur
BT-47|Identifiant d'enregistrement légal de l'acheteur
BT-47-1|Schéma de l'identifiant d'enregistrement légal de l'acheteur
BT-48|Identifiant à la TVA de l'acheteur
BT-49|Adresse électronique de l'acheteur
BT-49-1|Schéma de l'adresse électronique de l'acheteur
BT-50|Adresse de l'acheteur, ligne 1
BT-51|Adresse de l'acheteur, ligne 2
BT-52|Localité de l'acheteur
BT-53|Code postal de l'acheteur
BT-54|Subdivision du pays de l'acheteur
BT-55|Code de pays de l'acheteur
BT-163|Adresse de l'acheteur, ligne 3
BT-56|Point de contact de l'acheteur
BT-57|Numéro de téléphone du contact de l'acheteur
BT-58|Adresse de courriel du contact de l'acheteur
BT-59|Nom du bénéficiaire
BT-60|Identifiant du bénéficiaire
BT-60-1|Schéma de l'identifiant du bénéficiaire
BT-61|Identifiant d'enregistrement légal du bénéficiaire
BT-61-1|Schéma de l'identifiant d'enregistrement légal du bénéficiaire
BT-62|Nom du représentant fiscal du vendeur
BT-63|Identifiant à la TVA du représentant fiscal du vendeur
BT-64|Adresse du représentant fiscal, ligne 1
BT-65|Adresse du représentant fiscal, ligne 2
BT-66|Localité du représentant fiscal
BT-67|Code postal du représentant fiscal
BT-68|Subdivision du pays du représentant fiscal
BT-69|Code de pays du représentant fiscal
BT-164|Adresse du représentant fiscal, ligne 3
BT-70|Nom du destinataire de la livraison
BT-71|Identifiant du lieu de livraison
BT-71-1|Schéma de l'identifiant du lieu de livraison
BT-72|Date effective de livraison
BT-73|Date de début de la période de facturation
BT-74|Date de fin de la période de facturation
BT-75|Adresse de livraison, ligne 1
BT-76|Adresse de livraison, ligne 2
BT-77|Localité de livraison
BT-78|Code postal de livraison
BT-79|Subdivision du pays de livraison
BT-80|Code de pays de livraison
BT-165|Adresse de livraison, ligne 3
BT-81|Code de type de moyen de paiement
BT-82|Libellé du moyen de paiement
BT-83|Avis de versement
BT-84|Identifiant du compte de paiement
BT-85|Nom du compte de paiement
BT-86|Identifiant du prestataire de services de paiement
BT-87|Numéro de compte principal de la carte de paiement
BT-88|Nom du titulaire de la carte de paiement
BT-89|Identifiant de référence du mandat
BT-90|Identifiant de créancier assigné par la banque
BT-91|Identifiant du compte débité
BT-92|Montant de la remise au niveau du document
BT-93|Assiette de la remise au niveau du document
BT-94|Pourcentage de remise au niveau du document
BT-95|Code de type de TVA de la remise au niveau du document
BT-96|Taux de TVA de la remise au niveau du document
BT-97|Motif de la remise au niveau du document
BT-98|Code de motif de la remise au niveau du document
BT-99|Montant des charges ou frais au niveau du document
BT-100|Assiette des charges ou frais au niveau du document
BT-101|Pourcentage de charges ou frais au niveau du document
BT-102|Code de type de TVA des charges ou frais au niveau du document
BT-103|Taux de TVA des charges ou frais au niveau du document
BT-104|Motif des charges ou frais au niveau du document
BT-105|Code de motif des charges ou frais au niveau du document
BT-106|Somme du montant net des lignes de facture
BT-107|Somme des remises au niveau du document
BT-108|Somme des charges ou frais au niveau du document
BT-109|Montant total de la facture hors TVA
BT-110|Montant total de TVA de la facture
BT-111|Montant total de TVA de la facture dans la devise de comptabilisation
BT-112|Montant total de la facture TVA comprise
BT-113|Montant payé
BT-114|Montant arrondi
BT-115|Montant à payer
BT-116|Base d'imposition du type de TVA
BT-117|Montant de la TVA pour chaque type de TVA
BT-118|Code de type de TVA
BT-119|Taux de type de TVA
BT-120|Motif d'exonération de la TVA
BT-121|Code de motif d'exonération de la TVA
BT-122|Référence du document justificatif
BT-123|Description du document justificatif
BT-124|Emplacement du document externe
BT-125|Document joint
BT-125-1|Type de média du document joint
BT-125-2|Nom de fichier du document joint
BT-126|Identifiant de ligne de facture
BT-127|Note de ligne de facture
BT-128|Identifiant de l'objet de la ligne de facture
BT-128-1|Schéma de l'identifiant de l'objet de la ligne de facture
BT-129|Quantité facturée
BT-130|Code de l'unité de mesure de la quantité facturée
BT-131|Montant net de ligne de facture
BT-132|Référence de ligne de bon de commande
BT-133|Référence comptable de l'acheteur de la ligne de facture
BT-134|Date de début de la période de la ligne de facture
BT-135|Date de fin de la période de la ligne de facture
BT-136|Montant de la remise de ligne de facture
BT-137|Assiette de la remise de ligne de facture
BT-138|Pourcentage de remise de ligne de facture
BT-139|Motif de la remise de ligne de facture
BT-140|Code de motif de la remise de ligne de facture
BT-141|Montant des charges ou frais de ligne de facture
BT-142|Assiette des charges ou frais de ligne de facture
BT-143|Pourcentage de charges ou frais de ligne de facture
BT-144|Motif des charges ou frais de ligne de facture
BT-145|Code de motif des charges ou frais de ligne de facture
BT-146|Prix net de l'article
BT-147|Rabais sur le prix de l'article
BT-148|Prix brut de l'article
BT-149|Quantité de base du prix de l'article
BT-150|Code de l'unité de mesure de la quantité de base du prix de l'article
BT-151|Code de type de TVA de l'article facturé
BT-152|Taux de TVA de l'article facturé
BT-153|Nom de l'article
BT-154|Description de l'article
BT-155|Identifiant de l'article du vendeur
BT-156|Identifiant de l'article de l'acheteur
BT-157|Identifiant standard de l'article
BT-157-1|Schéma de l'identifiant standard de l'article
BT-158|Identifiant de la classification de l'article
BT-158-1|Schéma de la classification de l'article
BT-158-2|Version du schéma de la classification de l'article
BT-159|Pays d'origine de l'article
BT-160|Nom d'attribut d'article
BT-161|Valeur d'attribut d'article
x:invoicee|GLN de la partie facturée
x:order_date|Date du bon de commande
x:department|Numéro de rayon ou de magasin de l'acheteur
x:order|Commande de la ligne
"""

NAMES: Mapping[str, str] = dict(row.split("|", 1) for row in _ROWS.strip().splitlines())
"""Term or group → its French name."""
