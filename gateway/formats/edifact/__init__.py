"""UN/EDIFACT (ISO 9735 syntax versions 1 to 4): segments, interchanges, and the invoice message INVOIC."""
