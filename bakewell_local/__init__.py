"""The local cloud and its tools, for development and tests: `bakewell local`. Nothing in production imports it."""
