"""What is Docker's own of a stack."""
