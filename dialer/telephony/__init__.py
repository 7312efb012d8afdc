"""The line: the seam through which phones are rung, and LiveKit behind it."""
