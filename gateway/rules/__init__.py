"""What a partner requires; `RULES` is the list."""
