"""The components that exist on Docker only."""
