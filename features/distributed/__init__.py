"""Features of logs larger than memory: ticket by ticket in partitions, with what tickets share summed up for all."""
