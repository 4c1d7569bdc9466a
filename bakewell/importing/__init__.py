"""What was there before Bakewell, taken in: images that an account has already."""
