"""What is installed, in the form of `pip list -v --format json`: as much of it as Pulumi's language host reads."""

from __future__ import annotations

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    found = []
    for folder in (path for path in sys.path if Path(path).name == "site-packages"):
        for entry in Path(folder).glob("*.dist-info"):  # its name says what pip opens 130 files for
            name, _, version = entry.name.removesuffix(".dist-info").partition("-")
            found.append({"name": name.replace("_", "-"), "version": version, "location": folder})
    print(json.dumps(found))
