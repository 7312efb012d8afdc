"""``dialer suppression``: numbers that are never called."""
