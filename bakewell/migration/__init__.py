"""Templates of Packer as roles: what `bakewell import templates` reads, and what it writes.

The way through: `language` parses files into nodes and puts those that belong together side by side; `values` resolves
expressions; `blocks` turns builds, sources and provisioners into a `role.Role`; `render` writes it out. The `ledger`
holds each attribute and block of the input to account: translated, done by Bakewell itself, or left to do, with file
and line. Nothing of a template is executed, and no function is evaluated.
"""

from bakewell.migration.plan import Import, plan

__all__ = ["Import", "plan"]
