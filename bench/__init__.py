"""What performance claims are measured with: `make bench`. Ratios within one run; nothing here is a test."""
