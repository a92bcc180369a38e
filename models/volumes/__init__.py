"""How many tickets are expected: estimators, what they say, and the bundle they are kept in."""
