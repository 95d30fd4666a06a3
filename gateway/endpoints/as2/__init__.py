"""The AS2 endpoint (RFC 4130): messages and MDNs, sent and received."""
