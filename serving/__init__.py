"""The service: live scores as an API, pages and reports. Beside training; neither imports the other."""
