"""The stack as a whole, as Pulumi has it: its config read, its last outputs, how it waits, refuses and reports.

Creates no resources.
"""
