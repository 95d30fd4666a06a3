"""Ways to read and write documents; `FORMATS` is the list."""
