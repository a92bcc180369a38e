"""From data to a promoted bundle: the only floor that fits, and the only one that writes to MLflow."""
