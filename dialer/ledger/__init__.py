"""The SQL truth.  The only folder with SQL; every statement opens with its name, so that a slow log names it."""
