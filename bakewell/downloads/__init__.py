"""What steps download from vendors: where each file lies, which images install it, what its vendor says it should be.

Checksums themselves are in packer/bases.lock (`bakewell.bases`); machines download while an image is built.
"""

from bakewell.downloads.declared import Arch, Declared, Digest, Download, Version, declared, used
from bakewell.downloads.vendor import checksums

__all__ = ["Arch", "Declared", "Digest", "Download", "Version", "checksums", "declared", "used"]
