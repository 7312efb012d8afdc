"""``dialer trunk``: one file for each verb."""
