"""Official rules (XSD and compiled Schematron of EN 16931, XRechnung, Peppol, France …), run on what was written."""
