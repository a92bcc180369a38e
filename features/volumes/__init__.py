"""How many tickets came in, by service, team, category and priority; and what is known of the days ahead."""
