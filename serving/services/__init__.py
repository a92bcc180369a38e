"""How services stand now: likely outages, availability against the promise, what is left of the error budget, and how fast it burns."""
