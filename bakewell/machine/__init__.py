"""What is asked of a running machine: whether its role is ready, and to leave its cluster. On Docker, what it is."""
