"""Commands about one machine: make it, on Docker; wait until it is ready; take it out of its cluster."""
