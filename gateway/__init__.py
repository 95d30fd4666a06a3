"""Invoice gateway: takes every customer invoice and delivers it the way the customer wants, with proof."""

__version__ = "0.1.0"
