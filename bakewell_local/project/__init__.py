"""The project that a local cloud works for: its files, its stacks as pulumi runs them, what killed runs left."""
