#!/usr/bin/env python3
"""Stands for Packer in unit tests: makes a machine and an image through the API, as the real plugins do.

It does so on AWS where its environment names no DigitalOcean.

What it does besides is in the staged file `mode`: `fail` (after the droplet exists), `refuse` (likewise, in
provision.py's words), `hang` (until interrupted), `stubborn` (hangs and ignores SIGINT), `untagged` (forgets the tags),
`elsewhere` (another name), `no-manifest`, `leak` (prints its token).

What tests tell it, and what it tells them, is in files beside the program: its environment is what is tested.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any


def beside(name: str) -> Path:
    return Path(sys.argv[0]).with_name(name)


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


def ec2(action: str, region: str, **parameters: str) -> str:
    """The answer's XML. The local cloud looks at the access key and at no signature."""
    key = os.environ["AWS_ACCESS_KEY_ID"]
    request = urllib.request.Request(
        os.environ["AWS_ENDPOINT_URL"],
        data=urllib.parse.urlencode({"Action": action, "Version": "2016-11-15", **parameters}).encode(),
        headers={
            "Authorization": f"AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/ec2/aws4_request, Signature=0",
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        return str(answer.read().decode())


def ec2_until(action: str, region: str, pattern: str, wanted: str, **parameters: str) -> None:
    while re.findall(pattern, ec2(action, region, **parameters), re.DOTALL) != [wanted]:
        time.sleep(0.02)


class Droplet:
    """A droplet and its snapshot."""

    def __init__(self, v: dict[str, Any]) -> None:
        wanted = {"name": v["builder_name"], "image": v["base_image"], "ssh_keys": [int(v["ssh_key"])]}
        wanted |= {key: v[key] for key in ("region", "size", "tags")}
        self.id = call("POST", "/v2/droplets", wanted)["droplet"]["id"]

    def await_boot(self) -> None:
        until(f"/v2/droplets/{self.id}", "droplet", "status", "active")

    def image(self, name: str, tags: list[str]) -> str:
        act(self.id, "power_off")
        act(self.id, "snapshot", name=name)
        snapshot = call("GET", f"/v2/droplets/{self.id}/snapshots")["snapshots"][0]["id"]
        for tag in tags:
            resource = {"resource_id": str(snapshot), "resource_type": "image"}
            call("POST", f"/v2/tags/{tag}/resources", {"resources": [resource]})
        return str(snapshot)

    def remove(self) -> None:
        try:
            call("DELETE", f"/v2/droplets/{self.id}")
        except urllib.error.HTTPError as error:  # the real plugins say so too, and succeed
            print(f"==> digitalocean.image: Error destroying droplet. Please destroy it manually: {error}", flush=True)


class Instance:
    """An instance and its AMI."""

    def __init__(self, v: dict[str, Any]) -> None:
        self.region = v["region"]
        given = {"ImageId": v["base_image"], "InstanceType": v["size"], "KeyName": v["ssh_key"]}
        given |= {"SubnetId": v["subnet"]} if v.get("subnet") else {}
        made = ec2(
            "RunInstances", self.region, MinCount="1", MaxCount="1", **given, **self.tagged(1, "instance", v["tags"])
        )
        self.id = re.findall(r"<instanceId>(i-\w+)<", made)[0]

    def await_boot(self) -> None:
        state = r"<instanceState>.*?<name>([\w-]+)</name>"
        ec2_until("DescribeInstances", self.region, state, "running", **{"InstanceId.1": self.id})

    def image(self, name: str, tags: list[str]) -> str:
        given = self.tagged(1, "image", tags) | self.tagged(2, "snapshot", tags) if tags else {}
        made = ec2("CreateImage", self.region, InstanceId=self.id, Name=name, **given)
        image = re.findall(r"<imageId>(ami-\w+)<", made)[0]
        ec2_until("DescribeImages", self.region, r"<imageState>(\w+)<", "available", **{"ImageId.1": image})
        return str(image)

    def remove(self) -> None:
        try:
            ec2("TerminateInstances", self.region, **{"InstanceId.1": self.id})
        except urllib.error.HTTPError as error:
            print(f"==> amazon-ebs.image: Error terminating instance, may still be around: {error}", flush=True)

    def tagged(self, number: int, kind: str, tags: list[str]) -> dict[str, str]:
        specification = f"TagSpecification.{number}"
        given = {f"{specification}.ResourceType": kind}
        for place, tag in enumerate(tags, start=1):
            first, second, *rest = tag.split(":", 2)
            given[f"{specification}.Tag.{place}.Key"] = f"{first}:{second}"
            given[f"{specification}.Tag.{place}.Value"] = "".join(rest)
        return given


def build() -> None:
    mode = Path("mode").read_text().strip() if Path("mode").exists() else ""
    given = next(a for a in sys.argv if a.startswith("-var-file=")).partition("=")[2]
    v = json.loads(Path("image.auto.pkrvars.json").read_text()) | json.loads(Path(given).read_text())
    print(f"==> digitalocean.image: \x1b[1mmode {mode or 'plain'}\x1b[0m", flush=True)
    if mode == "leak":
        print("token", os.environ["DIGITALOCEAN_TOKEN"], flush=True)
    machine = Droplet(v) if "DIGITALOCEAN_TOKEN" in os.environ else Instance(v)
    try:
        machine.await_boot()
        if mode in ("hang", "stubborn"):
            beside("mark").write_text(str(os.getpid()))
            while True:
                time.sleep(0.05)
        if mode == "refuse":
            print("==> digitalocean.image: provision: step `nginx | Install it` failed", flush=True)
            print("==> digitalocean.image:   remedy: correct its version", flush=True)
            raise SystemExit("==> digitalocean.image: Destroying droplet...")
        if mode == "fail":
            raise SystemExit("==> digitalocean.image: the check failed")
        name = "elsewhere" if mode == "elsewhere" else v["image_name"]
        image = machine.image(name, [] if mode == "untagged" else v["tags"])
    except KeyboardInterrupt:
        print("==> digitalocean.image: interrupted, cleaning up", flush=True)
        raise SystemExit(1) from None
    finally:
        machine.remove()
    if mode != "no-manifest":
        artifact = {"builds": [{"artifact_id": f"{v['region']}:{image}"}]}
        Path(v["manifest_path"]).write_text(json.dumps(artifact))


def main() -> None:
    beside(f"{sys.argv[1]}.environment").write_text("\n".join(os.environ))
    if sys.argv[1] == "version":
        print("Packer v" + (beside("version").read_text() if beside("version").exists() else "1.15.0"))
    elif sys.argv[1] == "validate":
        with beside("packer.log").open("a") as log:
            log.write("validate\n")
        if Path("mode").exists() and Path("mode").read_text().strip() == "invalid":
            where = f"{Path.cwd()}/build.pkr.hcl"
            print(f"Error: Unsupported argument\n\n  on {where} line 2:\n  (source code not available)\n")
            raise SystemExit(1)
    elif sys.argv[1] == "fmt":
        raise SystemExit(int(beside("fmt").read_text()))
    elif sys.argv[1] == "build":
        if Path("mode").exists() and Path("mode").read_text().strip() == "stubborn":
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        build()


if __name__ == "__main__":
    main()
