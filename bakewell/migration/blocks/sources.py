"""`source` blocks, and JSON's builders: what of them image.toml says, and what stack config or Bakewell itself does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bakewell.migration.blocks import machines
from bakewell.migration.language.syntax import Attribute, Block
from bakewell.migration.ledger import Finding
from bakewell.migration.values import Lost, plain, prefix, word
from bakewell.migration.working import Working

CLOUDS: Mapping[str, str] = {"digitalocean": "digitalocean", "amazon-ebs": "aws", "docker": "docker"}
"""Types of sources that become roles, with Bakewell's name of the cloud."""

USUAL: Mapping[str, str] = {"digitalocean": "{}-x64", "docker": "bakewell-base:{}"}
"""What `bakewell lock` looks for where nobody says what a base is called."""

NAMES: Mapping[str, str] = {"digitalocean": "snapshot_name", "amazon-ebs": "ami_name", "docker": "repository"}
"""The attribute that names the image."""

_CONFIG = "stack config says it"
_BUILDER = "it says something of the building machine alone"
_TAGS = "images and builders have Bakewell's tags, and no others"
_SETTLED: Mapping[str, Mapping[str, str]] = {
    "digitalocean": {
        "api_token": "builds read DIGITALOCEAN_TOKEN from the environment",
        "api_url": "builds read DIGITALOCEAN_API_URL from the environment",
        "region": "stack config says it: the first of bakewell:digitalocean.regions",
        "snapshot_regions": "stack config says it: bakewell:digitalocean.regions",
        "tags": _TAGS,
        "snapshot_tags": _TAGS,
        **dict.fromkeys(("droplet_name", "state_timeout", "snapshot_timeout", "wait_snapshot_transfer"), _BUILDER),
        **dict.fromkeys(("private_networking", "monitoring", "droplet_agent", "ipv6", "transfer_timeout"), _BUILDER),
        **dict.fromkeys(("http_retry_max", "http_retry_wait_max", "http_retry_wait_min"), _BUILDER),
    },
    "amazon-ebs": {
        **dict.fromkeys(
            ("access_key", "secret_key", "token", "profile"), "builds read AWS's own variables from the environment"
        ),
        "region": "stack config says it: the first of bakewell:aws.regions",
        "ami_regions": "stack config says it: bakewell:aws.regions",
        "ami_users": "stack config says it: bakewell:aws.launch_accounts",
        "snapshot_users": "stack config says it: bakewell:aws.launch_accounts",
        "encrypt_boot": "stack config says it: bakewell:aws.encrypted",
        "kms_key_id": "stack config says it: bakewell:aws.kms_key",
        **dict.fromkeys(("tags", "tag", "run_tags", "run_volume_tags", "snapshot_tags", "fleet_tags"), _TAGS),
        **dict.fromkeys(
            ("force_deregister", "force_delete_snapshot", "skip_create_ami", "deprecate_at"),
            "`bakewell clean` deletes what nobody needs, and no name is used twice",
        ),
        **dict.fromkeys(
            ("ami_virtualization_type", "ena_support", "sriov_support", "imds_support", "metadata_options"),
            "AMIs are HVM, with ENA and version 2 of the metadata service",
        ),
        **dict.fromkeys(
            ("shutdown_behavior", "ebs_optimized", "enable_t2_unlimited", "disable_stop_instance"), _BUILDER
        ),
        **dict.fromkeys(
            ("aws_polling", "max_retries", "skip_region_validation", "skip_metadata_api_check", "boot_mode"), _BUILDER
        ),
        **dict.fromkeys(("skip_save_build_region", "insecure_skip_tls_verify", "enable_unlimited_credits"), _BUILDER),
    },
    "docker": {
        **dict.fromkeys(
            ("commit", "export_path", "discard", "pull", "run_command", "author", "message"),
            "a build makes an image of Docker's, by itself",
        ),
        **dict.fromkeys(
            ("privileged", "exec_user", "container_dir", "fix_upload_owner", "cap_add", "volumes"), _BUILDER
        ),
    },
}
_TODO: Mapping[str, str] = {
    **dict.fromkeys(("subnet_id", "subnet_filter"), f"{_CONFIG}: bakewell:builders.aws.subnet, an ID or tags"),
    **dict.fromkeys(
        ("vpc_id", "vpc_filter", "availability_zone"), f"{_CONFIG} by the subnet: bakewell:builders.aws.subnet"
    ),
    **dict.fromkeys(
        ("security_group_id", "security_group_ids", "security_group_filter"),
        f"{_CONFIG}: bakewell:builders.aws.security_group",
    ),
    **dict.fromkeys(
        ("iam_instance_profile", "temporary_iam_instance_profile_policy_document"),
        f"{_CONFIG}: bakewell:builders.aws.profile, an instance profile that there is",
    ),
    **dict.fromkeys(
        ("associate_public_ip_address", "ssh_interface", "session_manager_port", "pause_before_ssm"),
        f"{_CONFIG}: bakewell:builders.aws.address, which is public, private or session-manager",
    ),
    **dict.fromkeys(("spot_price", "spot_instance_types"), f"{_CONFIG}: bakewell:builders.aws.spot"),
    **dict.fromkeys(
        ("temporary_security_group_source_cidrs", "temporary_security_group_source_public_ip"),
        f"{_CONFIG}: bakewell:builders.aws.ssh_from, by default this host's address alone",
    ),
    **dict.fromkeys(
        (
            *("ssh_bastion_host", "ssh_bastion_port", "ssh_bastion_username", "ssh_bastion_private_key_file"),
            *("ssh_bastion_agent_auth", "ssh_bastion_interactive", "ssh_bastion_password"),
        ),
        f"{_CONFIG}: `bastion` in bakewell:builders",
    ),
    "vpc_uuid": f"{_CONFIG}: bakewell:builders.digitalocean.vpc",
    "connect_with_private_ip": f"{_CONFIG}: bakewell:builders.digitalocean.address",
    **dict.fromkeys(
        ("assume_role", "vault_aws_engine"), "give a build AWS's own variables, or a profile, in the environment"
    ),
    "user_data": "have deploy.py do what it does: user_data of a builder is Bakewell's",
    "user_data_file": "have deploy.py do what it does: user_data of a builder is Bakewell's",
    "ami_groups": "images are shared with accounts (stack config: bakewell:aws.launch_accounts), never with everybody",
    "ami_org_arns": "images are shared with accounts: stack config, bakewell:aws.launch_accounts",
    "ami_block_device_mappings": "an image has one disk: attach others to machines",
    "launch_block_device_mappings": "an image has one disk: attach others to machines",
    "changes": "a machine boots systemd: name services in `[boot] services`, and write their environment in deploy.py",
    "region_kms_key_ids": "stack config says one key for all regions: bakewell:aws.kms_key",
}
LARGEST_DISK = 16384
"""GB, as image.toml takes it."""

_NOT_LOOKED_AT = "`bakewell lock` finds the stock image"


@dataclass(frozen=True, eq=False)
class Use:
    """A source as a build uses it.

    Attributes:
        block: the source's own.
        override: the block in the build that says more of it.
    """

    type: str
    label: str
    block: Block
    override: Block | None = None

    def get(self, name: str) -> Attribute | None:
        """The attribute that counts."""
        found = self.override.get(name) if self.override else None
        return found or self.block.get(name)

    def holder(self, name: str) -> Block:
        """The block that it stands in."""
        return self.override if self.override and self.override.get(name) else self.block

    @property
    def names(self) -> set[str]:
        """What `only` and `except` may call it."""
        return {f"{self.type}.{self.label}", self.label, self.type}


@dataclass(frozen=True, slots=True)
class Origin:
    """What an image is built on, as far as a template says it. `text`: a slug, a pattern of names, a reference."""

    text: str
    owner: str
    at: Attribute | Block


def source(working: Working, use: Use) -> None:
    """Record the source's attributes, and take size and disk for the role."""
    working.ledger.translated(use.block, "image.toml")
    if use.override is not None:
        working.ledger.translated(use.override, "image.toml")
    for block in filter(None, (use.block, use.override)):
        for attribute in block.attributes:
            _attribute(working, use, block, attribute)
        for below in block.blocks:
            if below.kind == "launch_block_device_mappings" and _disk(working, below):
                continue
            if below.kind in ("source_ami_filter",):
                continue
            _one(working, use, below, below.kind)


def _attribute(working: Working, use: Use, block: Block, attribute: Attribute) -> None:
    name = attribute.name
    if name in ("image", "source_ami", "most_recent"):
        return  # `plan` has looked at it
    if name == NAMES[use.type]:
        working.value(block, name, "the role's name")
        working.settle(block, name, "Bakewell names images by their role and time")
    elif name in ("size", "instance_type"):
        _size(working, block, attribute)
    elif name in ("ami_description", "description") and isinstance(
        text := plain(working.scope.resolve(attribute.value).value), str
    ):
        working.value(block, name, "image.toml: description")
        working.role.description = text
    elif name == "ssh_username":
        _user(working, block, attribute)
    elif name == "name" and use.override is block:
        working.value(block, name, "the role's name")
    else:
        _one(working, use, attribute, name, block)


def _one(working: Working, use: Use, node: Attribute | Block, name: str, block: Block | None = None) -> None:
    why = _SETTLED[use.type].get(name)
    if (
        why is None
        and name not in _TODO
        and re.match(r"(?:ssh_|communicator$|temporary_key|pause_before_connecting|_)", name)
    ):
        why = "a build connects by itself" if not name.startswith("_") else "a comment"
    if why is not None:
        if isinstance(node, Attribute) and block is not None:
            working.settle(block, name, why)
        else:
            working.ledger.settled(node, why)
        return
    if isinstance(node, Attribute) and block is not None:
        working.settle(block, name, "it is left to do", only_origins=True)
    finding = working.ledger.todo(node, _TODO.get(name, "image.toml has no place for it: see docs/from-packer.md"))
    working.role.notes.append(finding)


def _user(working: Working, block: Block, attribute: Attribute) -> None:
    found = plain(working.scope.resolve(attribute.value).value)
    if found in ("root", None):
        working.settle(block, attribute.name, "provisioning is root's work")
        return
    working.value(block, attribute.name, "image.toml")
    working.user = word(found)
    remedy = "provisioning is root's work here: look at what scripts do in ~ and $HOME, and who owns what they make"
    working.role.notes.append(working.ledger.todo(attribute, remedy))


def _size(working: Working, block: Block, attribute: Attribute) -> None:
    found = working.value(block, attribute.name, "image.toml: memory_gb")
    name = plain(found[1]) if found else None
    machine = machines.machine(name) if isinstance(name, str) else None
    if machine is None:
        finding = working.ledger.todo(attribute, "say its memory in image.toml: memory_gb, 1 to 16")
        working.role.notes.append(finding)
        return
    facts = working.role.facts
    facts["memory_gb"] = max(machine.memory_gb, int(facts.get("memory_gb", 0)))
    facts["cpus"] = max(min(machine.cpus, 8), int(facts.get("cpus", 0)))
    if machine.arm:
        facts["arch"] = "arm64"
    if machine.more:
        finding = working.ledger.todo(attribute, "the largest builder has 16 GB: see whether that is enough")
        working.role.notes.append(finding)


def _disk(working: Working, block: Block) -> bool:
    """The root disk's size; False for another disk."""
    device = block.get("device_name")
    name = plain(working.scope.resolve(device.value).value) if device else None
    size = block.get("volume_size")
    value = plain(working.scope.resolve(size.value).value) if size else None
    whole = re.fullmatch(r"[1-9]\d{0,4}", word(value)) is not None and int(word(value)) <= LARGEST_DISK
    if name not in ("/dev/sda1", "/dev/xvda", "/dev/sda") or not whole:
        return False
    working.ledger.translated(block, "image.toml: disk_gb")
    for attribute in block.attributes:
        if attribute.name == "volume_size":
            working.value(block, "volume_size", "image.toml: disk_gb")
        else:
            working.settle(block, attribute.name, "the root disk is the cloud's usual one, and goes with its machine")
    working.role.facts["disk_gb"] = int(word(value))
    return True


def origin(working: Working, use: Use) -> Origin | None:
    """What the source starts from; None where nothing plain says it, which is not reported yet."""
    for block in filter(None, (use.override, use.block)):
        for below in block.all("source_ami_filter"):
            return _filtered(working, below, below)
    name = "source_ami" if use.type == "amazon-ebs" else "image"
    attribute = use.get(name)
    if attribute is None:
        return None
    value = working.scope.resolve(attribute.value)
    if isinstance(value.value, Lost):
        data = _data(working, attribute)
        if data is None:
            return None
        working.ledger.translated(attribute, "image.toml")
        return _filtered(working, data, attribute)
    found = plain(value.value)
    if not isinstance(found, str | int):
        return None
    working.value(use.holder(name), name, "image.toml")
    return Origin(word(found), "", attribute)


def _data(working: Working, attribute: Attribute) -> Block | None:
    from bakewell.migration.language.syntax import Reference, Text

    value = attribute.value
    if isinstance(value, Text) and len(value.parts) == 1 and not isinstance(value.parts[0], str):
        value = value.parts[0]
    if isinstance(value, Reference) and value.path[0] == "local" and len(value.path) == 2:
        local = working.scope.template.locals.get(value.path[1])
        if local is not None:
            working.ledger.translated(local[0], "image.toml")
            value = local[0].value
    if isinstance(value, Reference) and value.path[0] == "data" and len(value.path) > 2:
        return working.scope.template.data.get((value.path[1], value.path[2]))
    return None


def _filtered(working: Working, block: Block, at: Attribute | Block) -> Origin | None:
    """By a filter of names: source_ami_filter, data "amazon-ami", data "digitalocean-image"."""
    working.ledger.translated(block, "image.toml")
    text = owner = ""
    for attribute in block.attributes:
        resolved = working.scope.resolve(attribute.value)
        found = plain(resolved.value)
        if attribute.name == "filters" and isinstance(found, dict):
            text = prefix_or(found.get("name"), working, attribute)
            if word(found.get("architecture")) == "arm64":
                working.role.facts["arch"] = "arm64"
        elif attribute.name in ("name", "name_regex", "slug", "bucket_name"):
            text = word(found) if found is not None else prefix(resolved.value)
        elif attribute.name in ("owners", "owner") and isinstance(found, list) and found:
            owner = word(found[0])
        else:
            working.settle(block, attribute.name, _NOT_LOOKED_AT)
            continue
        working.value(block, attribute.name, "image.toml")
        working.ledger.translated(attribute, "image.toml")
    return Origin(text, owner, at) if text else None


def prefix_or(found: object, working: Working, attribute: Attribute) -> str:
    """The filter's name: whole, or up to what only a build knows."""
    from bakewell.migration.language.syntax import Mapping as Table

    if isinstance(found, str):
        return found
    items = dict(attribute.value.items) if isinstance(attribute.value, Table) else {}
    return prefix(working.scope.resolve(items["name"]).value) if "name" in items else ""


def unused(findings: Sequence[Finding]) -> list[str]:
    """Findings that need nothing, shortened for a comment: `12 region`."""
    return [f"{finding.at.line} {re.split(r'[ =]', finding.what, maxsplit=1)[0]}" for finding in findings]
