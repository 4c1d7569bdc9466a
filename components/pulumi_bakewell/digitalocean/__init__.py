"""What is DigitalOcean's own of a stack."""
