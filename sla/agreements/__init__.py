"""Agreements as written: what is promised to whom, and whether it can be kept at all."""
