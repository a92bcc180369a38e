"""What live histories know, in a file from which the next start goes on instead of reading and building all again."""
