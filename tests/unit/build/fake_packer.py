#!/usr/bin/env python3
"""Stands for Packer in unit tests: makes a droplet and a snapshot through the API, as the real plugin does.

What it does besides is in the staged file `mode`: `fail` (after the droplet exists), `refuse` (likewise, in
provision.py's words), `hang` (until interrupted), `stubborn` (hangs and ignores SIGINT), `untagged` (forgets the tags),
`elsewhere` (another name), `no-manifest`, `leak` (prints its token).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any


def call(method: str, path: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        os.environ["DIGITALOCEAN_API_URL"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": "Bearer " + os.environ["DIGITALOCEAN_TOKEN"], "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.loads(answer.read() or b"{}")


def until(path: str, key: str, name: str, wanted: str) -> None:
    while call("GET", path)[key][name] != wanted:
        time.sleep(0.02)


def act(droplet: int, kind: str, **more: str) -> None:
    action = call("POST", f"/v2/droplets/{droplet}/actions", {"type": kind, **more})["action"]
    until(f"/v2/actions/{action['id']}", "action", "status", "completed")


def build() -> None:
    mode = Path("mode").read_text().strip() if Path("mode").exists() else ""
    given = next(a for a in sys.argv if a.startswith("-var-file=")).partition("=")[2]
    v = json.loads(Path(given).read_text())
    print(f"==> digitalocean.image: \x1b[1mmode {mode or 'plain'}\x1b[0m", flush=True)
    if mode == "leak":
        print("token", os.environ["DIGITALOCEAN_TOKEN"], flush=True)
    wanted = {"name": v["builder_name"], "image": v["base_image"], "ssh_keys": [int(v["ssh_key"])]}
    wanted |= {key: v[key] for key in ("region", "size", "tags")}
    droplet = call("POST", "/v2/droplets", wanted)["droplet"]["id"]
    try:
        until(f"/v2/droplets/{droplet}", "droplet", "status", "active")
        if mode in ("hang", "stubborn"):
            Path(os.environ["FAKE_PACKER_MARK"]).write_text(str(os.getpid()))
            while True:
                time.sleep(0.05)
        if mode == "refuse":
            print("==> digitalocean.image: provision: step `nginx | Install it` failed", flush=True)
            print("==> digitalocean.image:   remedy: correct its version", flush=True)
            raise SystemExit("==> digitalocean.image: Destroying droplet...")
        if mode == "fail":
            raise SystemExit("==> digitalocean.image: the check failed")
        act(droplet, "power_off")
        name = "elsewhere" if mode == "elsewhere" else v["image_name"]
        act(droplet, "snapshot", name=name)
        snapshot = call("GET", f"/v2/droplets/{droplet}/snapshots")["snapshots"][0]["id"]
        for tag in [] if mode == "untagged" else v["tags"]:
            resource = {"resource_id": str(snapshot), "resource_type": "image"}
            call("POST", f"/v2/tags/{tag}/resources", {"resources": [resource]})
    except KeyboardInterrupt:
        print("==> digitalocean.image: interrupted, cleaning up", flush=True)
        raise SystemExit(1) from None
    finally:
        call("DELETE", f"/v2/droplets/{droplet}")
    if mode != "no-manifest":
        artifact = {"builds": [{"artifact_id": f"{v['region']}:{snapshot}"}]}
        Path(v["manifest_path"]).write_text(json.dumps(artifact))


def main() -> None:
    if sys.argv[1] == "version":
        print("Packer v" + os.environ.get("FAKE_PACKER_VERSION", "1.15.0"))
    elif sys.argv[1] == "validate":
        with Path(os.environ["FAKE_PACKER_LOG"]).open("a") as log:
            log.write("validate\n")
        if Path("mode").exists() and Path("mode").read_text().strip() == "invalid":
            where = f"{Path.cwd()}/build.pkr.hcl"
            print(f"Error: Unsupported argument\n\n  on {where} line 2:\n  (source code not available)\n")
            raise SystemExit(1)
    elif sys.argv[1] == "fmt":
        raise SystemExit(int(os.environ["FAKE_PACKER_FMT"]))
    elif sys.argv[1] == "build":
        if Path("mode").exists() and Path("mode").read_text().strip() == "stubborn":
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        build()


if __name__ == "__main__":
    main()
