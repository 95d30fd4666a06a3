"""Mapping files are compiled once and run many times."""
