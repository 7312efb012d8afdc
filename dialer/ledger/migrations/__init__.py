"""Versions of the ledger.  They only add: an older process beside a newer one keeps working."""
