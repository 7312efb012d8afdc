"""What the web process answers to other programs."""
