"""``dialer campaign``: one file for each verb."""
