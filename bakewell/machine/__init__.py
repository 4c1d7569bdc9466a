"""What is asked of a running machine, over SSH: whether its role is ready, and to leave its cluster."""
