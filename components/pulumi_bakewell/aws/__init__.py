"""The components that exist on AWS only."""
