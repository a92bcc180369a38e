"""One adapter a system: what a file says becomes canonical events by a mapping that a person can write."""
