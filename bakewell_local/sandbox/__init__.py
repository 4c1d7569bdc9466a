"""The local cloud: what development and tests run on. Nothing in production imports it."""
