"""What the servers of the local cloud share: their state files, faults that tests order, the journal of calls."""
