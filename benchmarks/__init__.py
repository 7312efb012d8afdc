"""Speed and memory of the dialer, each figure beside its bare floor.  ``README.md`` says what is measured and how."""
