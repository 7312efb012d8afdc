"""The rules, pure: no clock, no chance, no network, no SQL.  Time and chance come in as arguments."""
