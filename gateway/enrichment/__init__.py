"""What we add to a document; `ENRICHMENTS` is the list."""
