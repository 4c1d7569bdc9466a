"""What is AWS's own of a stack."""
