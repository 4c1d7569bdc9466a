"""What EC2 does and moto does not, one subject a module; `install` of each puts its hooks in place."""
