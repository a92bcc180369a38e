"""Long work that is asked for over HTTP: each job is a command line of a closed list, in a process of its own."""
