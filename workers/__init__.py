"""Who is running: one file for each kind of process, each started as ``python -m workers.NAME``."""
