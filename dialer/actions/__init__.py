"""The verbs.  One file is one thing the dialer can be made to do, and one transaction."""
