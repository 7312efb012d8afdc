"""What the operator touches: the HTTP API, the web pages and the ``dialer`` command."""
