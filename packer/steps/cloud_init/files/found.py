"""How cloud-init is configured here, and what it found at this boot: one line of JSON. See `Found` of the step."""

import json
import shutil
from pathlib import Path

from cloudinit.util import read_conf_with_confd

KEYS = ("datasource_list", "cloud_init_modules", "cloud_config_modules", "cloud_final_modules")
RUNS = {"cloud-init-local.service": "init --local", "cloud-init.service": "init"}

status = Path("/run/cloud-init/status.json")
source = json.loads(status.read_text())["v1"]["datasource"] if status.exists() else None
config = read_conf_with_confd("/etc/cloud/cloud.cfg")
paths = {name: Path("/lib/systemd/system") / name for name in RUNS}
# From 24.3 on, cloud-init is loaded once by itself, and there is no cloud-init.service.
units = {name: path.read_text().splitlines() if path.exists() else [] for name, path in paths.items()}
found = {
    "config": {key: config.get(key, []) for key in KEYS},
    "source": (source or "").partition(" ")[0],
    "grub": shutil.which("grub-probe") is not None,
    "apart": all(f"ExecStart=/usr/bin/cloud-init {words}" in units[name] for name, words in RUNS.items()),
}
print(json.dumps(found))
