"""A LiveKit server with a carrier behind it that are not there: for the demo, tests, rehearsals and load runs.

It imports nothing of the dialer: it speaks LiveKit's protocol, so that a mistake in our client is not
mirrored here.  Start it with ``python -m simulator``.
"""
