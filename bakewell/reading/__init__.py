"""Reading what people write: regular files of a bounded size, TOML, YAML and JSON in which a key stands once, models.

Every file that a user, or a process other than ours, may have put there is read through `read_bytes` or `read_text`: a
test over the source says so. Knows nothing of what the files mean; settings, catalog and bases share it.
"""

from bakewell.reading.files import LIMIT, looking, open_regular, read_bytes, read_text
from bakewell.reading.formats import DuplicateKey, from_json, from_yaml, read_toml, read_yaml
from bakewell.reading.model import (
    ABSOLUTE_PATH,
    KV_PATH,
    NAME,
    SLUG,
    Model,
    Name,
    Slug,
    checked,
    did_you_mean,
    each_once,
)

__all__ = [
    "ABSOLUTE_PATH",
    "KV_PATH",
    "LIMIT",
    "NAME",
    "SLUG",
    "DuplicateKey",
    "Model",
    "Name",
    "Slug",
    "checked",
    "did_you_mean",
    "each_once",
    "from_json",
    "from_yaml",
    "looking",
    "open_regular",
    "read_bytes",
    "read_text",
    "read_toml",
    "read_yaml",
]
