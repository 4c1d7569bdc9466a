"""Commands about one machine, over SSH: wait until it is ready, take it out of its cluster."""
