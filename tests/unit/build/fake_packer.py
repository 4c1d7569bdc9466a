"""Stands for Packer: a program that has this process do what it is asked, and here a machine and an image are made
through the API, as by the real plugins. On AWS where the program's environment names no DigitalOcean.

What a build does besides is in the staged file `mode`: `fail` (after the machine exists), `refuse` (likewise, in
provision.py's words), `hang` (until interrupted), `stubborn` (hangs and ignores SIGINT), `untagged` (forgets the tags),
`elsewhere` (another name), `no-manifest`, `leak` (prints its token), `fetch` (brings a file back, then fails);
`invalid` templates are refused, and those that want a plugin (`no-plugin`).
"""

from __future__ import annotations

import json
import socketserver
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bakewell.clouds.aws.tags import pairs
from tests.contract.served import Api
from tests.small_project import write
from tests.unit.loopback import serving

PROGRAM = """
import json, os, signal, socket, sys

if sys.argv[1] == "build" and os.path.exists("mode") and open("mode").read() == "stubborn":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
with socket.create_connection(("127.0.0.1", PORT)) as connection, connection.makefile("rw") as talk:
    def tell(what):
        print(json.dumps(what), file=talk, flush=True)

    def heed():
        for line in talk:
            told = json.loads(line)
            if isinstance(told, int):
                sys.exit(told)
            print(told, flush=True)

    tell([sys.argv[1:], os.getcwd(), dict(os.environ), os.getpid()])
    try:
        heed()
    except KeyboardInterrupt:
        tell("interrupted")
        heed()
"""
Say = Callable[[str], None]
Hang = Callable[[], bool]
SOURCE = "==> digitalocean.image:"


class FakePacker:
    """What tests tell it, and what it tells them.

    Attributes:
        version: that it says it has.
        fmt: the exit code of `packer fmt`.
        environments: command -> the names of the variables that it was given last.
        validated: how often it was asked to judge templates.
        variables: what the last build was given.
        hanging: the process of a build that hangs, once its machine exists.
    """

    def __init__(self) -> None:
        self.version = "1.15.0"
        self.fmt = 0
        self.environments: dict[str, set[str]] = {}
        self.validated = 0
        self.variables: dict[str, Any] = {}
        self.hanging = 0

    @contextmanager
    def serving(self) -> Iterator[str]:
        """The program's text; it works inside the block."""
        packer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                def tell(what: str | int) -> None:
                    with suppress(OSError):  # it may have been killed
                        self.wfile.write(json.dumps(what).encode() + b"\n")

                arguments, folder, environ, pid = json.loads(self.rfile.readline())
                packer.environments[arguments[0]] = set(environ)
                hang = lambda: packer.hang(pid, self.rfile.readline)  # noqa: E731
                tell(packer.run(arguments, Path(folder), environ, tell, hang))

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
            server.daemon_threads = True
            with serving(server):
                yield PROGRAM.replace("PORT", str(server.server_address[1]))

    def hang(self, pid: int, told: Callable[[], bytes]) -> bool:
        """Whether the program was interrupted in the end; not where it was killed."""
        self.hanging = pid
        with suppress(OSError):
            return bool(told())
        return False

    def run(
        self, arguments: list[str], folder: Path, environ: dict[str, str], say: Say, hang: Callable[[], bool]
    ) -> int:
        """A command's exit code."""
        mode = (folder / "mode").read_text() if (folder / "mode").exists() else ""
        match arguments[0]:
            case "version":
                say(f"Packer v{self.version}")
            case "validate":
                self.validated += 1
                if mode == "invalid":
                    say(f"Error: Unsupported argument\n\n  on {folder}/build.pkr.hcl line 2:\n  (no source)\n")
                    return 1
                if mode == "no-plugin":  # as Packer 1.15 says it
                    say("Error: Missing plugins\n\nThe following plugins are required, but not installed:\n")
                    say("* github.com/digitalocean/digitalocean = 1.4.1\n\nDid you run packer init for this project ?")
                    return 1
            case "fmt":
                return self.fmt
            case "build":
                (given,) = [word for word in arguments if word.startswith("-var-file=")]
                files = (folder / "image.auto.pkrvars.json", Path(given.partition("=")[2]))
                wanted: dict[str, Any] = {}
                for file in files:
                    wanted |= json.loads(file.read_text())
                self.variables = wanted
                if mode == "fetch":
                    write(folder, {"build-fetched/root/packages.txt": "nginx"})
                return _build(mode, wanted, environ, say, hang)
        return 0


def _build(mode: str, wanted: dict[str, Any], environ: dict[str, str], say: Say, hang: Hang) -> int:
    say(f"{SOURCE} \x1b[1mmode {mode or 'plain'}\x1b[0m")
    if mode == "leak":
        say(f"token {environ['DIGITALOCEAN_TOKEN']}")
    machine = (Droplet if "DIGITALOCEAN_TOKEN" in environ else Instance)(environ, wanted)
    if mode in ("hang", "stubborn"):
        if hang():
            say(f"{SOURCE} interrupted, cleaning up")
            machine.remove(say)
        return 1
    try:
        if mode == "refuse":
            say(f"{SOURCE} provision: step `nginx | Install it` failed")
            say(f"{SOURCE}   remedy: correct its version")
            say(f"{SOURCE} Destroying droplet...")
            return 1
        if mode in ("fail", "fetch"):
            say(f"{SOURCE} the check failed")
            return 1
        name = "elsewhere" if mode == "elsewhere" else wanted["image_name"]
        image = machine.image(name, [] if mode == "untagged" else wanted["tags"])
    finally:
        machine.remove(say)
    if mode != "no-manifest":
        artifact = {"builds": [{"artifact_id": f"{wanted['region']}:{image}"}]}
        Path(wanted["manifest_path"]).write_text(json.dumps(artifact))
    return 0


class Droplet:
    """A droplet and its snapshot."""

    def __init__(self, environ: dict[str, str], wanted: dict[str, Any]) -> None:
        self._api = Api(environ["DIGITALOCEAN_API_URL"], environ["DIGITALOCEAN_TOKEN"], lambda answer: answer.read())
        fields = {key: wanted[key] for key in ("region", "size", "tags")}
        fields |= {"image": wanted["base_image"], "ssh_keys": [int(wanted["ssh_key"])]}
        self._id: int = self._api.droplet(wanted["builder_name"], **fields)["id"]

    def image(self, name: str, tags: list[str]) -> str:
        made = str(self._api.snapshot(name, self._id)["id"])
        for tag in tags:
            resource = {"resource_id": made, "resource_type": "image"}
            self._api.post(f"/v2/tags/{tag}/resources", {"resources": [resource]}, 204)
        return made

    def remove(self, say: Say) -> None:
        try:
            self._api.delete(f"/v2/droplets/{self._id}")
        except AssertionError as error:  # the real plugins say so too, and succeed
            say(f"{SOURCE} Error destroying droplet. Please destroy it manually: {error}")


class Instance:
    """An instance and its AMI."""

    def __init__(self, environ: dict[str, str], wanted: dict[str, Any]) -> None:
        import boto3  # builds on DigitalOcean do not wait for it

        make: Any = boto3.client
        self._ec2 = make(
            "ec2",
            region_name=wanted["region"],
            endpoint_url=environ["AWS_ENDPOINT_URL"],
            aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
        )
        fields = {"ImageId": wanted["base_image"], "InstanceType": wanted["size"], "KeyName": wanted["ssh_key"]}
        fields |= {"SubnetId": wanted["subnet"]} if wanted.get("subnet") else {}
        tags = [{"ResourceType": "instance", "Tags": pairs(wanted["tags"])}]
        made = self._ec2.run_instances(MinCount=1, MaxCount=1, TagSpecifications=tags, **fields)
        self._id: str = made["Instances"][0]["InstanceId"]
        self._wait("instance_running", InstanceIds=[self._id])

    def _wait(self, name: str, **what: list[str]) -> None:
        self._ec2.get_waiter(name).wait(**what, WaiterConfig={"Delay": 0.05, "MaxAttempts": 6000})

    def image(self, name: str, tags: list[str]) -> str:
        specifications = [{"ResourceType": kind, "Tags": pairs(tags)} for kind in ("image", "snapshot") if tags]
        made: str = self._ec2.create_image(InstanceId=self._id, Name=name, TagSpecifications=specifications)["ImageId"]
        self._wait("image_available", ImageIds=[made])
        return made

    def remove(self, say: Say) -> None:
        try:
            self._ec2.terminate_instances(InstanceIds=[self._id])
        except self._ec2.exceptions.ClientError as error:
            say(f"==> amazon-ebs.image: Error terminating instance, may still be around: {error}")
