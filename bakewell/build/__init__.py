"""Building images: from a role and its fingerprint to an image ID, and nothing paid for left behind.

`build.build` is the way in. The supervisor in this package is run as a script of its own and imports none of it.
"""
