"""The dialer as a library: the rules, the ledger, the limits, the line.  It knows no queue and no web."""
