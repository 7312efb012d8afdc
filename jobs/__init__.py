"""What can be on the queue: one file for each kind of job, with its message, its queue and its limits."""
