"""Service levels: calendars, agreements and the clocks that follow from them and the events of tickets."""
