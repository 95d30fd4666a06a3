"""Ways in and out; `KINDS` is the list."""
