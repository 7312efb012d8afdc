"""What Redis counts for all processes together: call slots and turns, under an epoch.  Fails closed."""
