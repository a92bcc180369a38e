"""The command line, a module for each kind of work; every command imports only the floor that it asks."""
