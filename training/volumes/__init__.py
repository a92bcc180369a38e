"""From counts of tickets to a registered volume model: rolled origins, the choice, the fit."""
