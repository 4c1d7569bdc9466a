"""Commands about images in a cloud: build, copy, list and clean."""
