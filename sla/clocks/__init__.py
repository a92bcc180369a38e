"""Clocks: events and agreements in, verdicts and their explanation out."""
