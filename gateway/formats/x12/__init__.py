"""ANSI ASC X12, versions 003040 to 008010: interchanges, invoices (810), orders (850) and acknowledgments."""
