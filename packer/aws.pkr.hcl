# AWS: its plugin, its source. Only contexts for this cloud hold this file, so what is changed here makes new AMIs.
packer {
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = "= 1.8.0"
    }
  }
}

variable "encrypted" {
  type        = bool
  default     = true
  description = "Whether the AMI's snapshots are encrypted (bakewell:aws.encrypted)."
}

variable "kms_key" {
  type        = string
  default     = ""
  description = "Alias of the KMS key to encrypt with (bakewell:aws.kms_key). Empty: the account's own key for EBS."
}

variable "disk_gb" {
  type        = number
  default     = 0
  description = "Size of the root disk, which becomes the AMI's. 0: as large as that of base_image."
}

variable "root_device" {
  type        = string
  default     = "/dev/xvda"
  description = "Where base_image has its root disk; for disk_gb."
}

# The rest says where and how the building machine runs: bakewell:builders.aws. None of it changes the image.

variable "subnet" {
  type        = string
  default     = ""
  description = "The subnet, by its ID. Empty: the one with subnet_tags; or one of the region's default VPC."
}

variable "subnet_tags" {
  type        = map(string)
  default     = {}
  description = "Tags of the subnet; of several that carry them, the one with most free addresses is taken."
}

variable "security_group" {
  type        = string
  default     = ""
  description = "Its security group, by ID. Empty: a group of its own, which lets ssh_from in on port 22."
}

variable "ssh_from" {
  type        = list(string)
  default     = []
  description = "Blocks of addresses that reach port 22. Empty: this host's public address, as AWS sees it."
}

variable "profile" {
  type        = string
  default     = ""
  description = "Its instance profile, by name. Empty: none."
}

variable "spot" {
  type        = bool
  default     = false
  description = "Whether it is a spot instance, at any price up to that of an ordinary one."
}

variable "address" {
  type        = string
  default     = "public"
  description = "How it is reached: at its public or private address, or by session-manager."
}

locals {
  sources = ["source.amazon-ebs.image"]

  # bakewell:role:web is the tag bakewell:role with the value web; a flag, such as bakewell:ready, has an empty one.
  tags = {
    for text in var.tags :
    join(":", slice(split(":", text), 0, 2)) => join(":", slice(split(":", text), 2, length(split(":", text))))
  }

  # Debian's AMIs let in `admin`, and root only to say so. Provisioning is root's work, as on every other cloud.
  let_root_in = { type = "text/cloud-config", content = "disable_root: false\n" }
  bootstrap   = var.user_data_file == "" ? [] : [{ type = "text/cloud-config", content = file("${path.root}/${var.user_data_file}") }]
}

source "amazon-ebs" "image" {
  source_ami    = var.base_image
  region        = coalesce(var.region, "us-east-1")
  instance_type = coalesce(var.size, "t3.micro")
  subnet_id     = var.subnet == "" ? null : var.subnet
  spot_price    = var.spot ? "auto" : null
  spot_tags     = var.spot ? local.tags : null

  # Never the whole internet: where nothing is configured, Packer asks AWS for this host's address, or ends.
  security_group_id                         = var.security_group == "" ? null : var.security_group
  temporary_security_group_source_cidrs     = length(var.ssh_from) == 0 ? null : var.ssh_from
  temporary_security_group_source_public_ip = length(var.ssh_from) == 0

  iam_instance_profile        = var.profile == "" ? null : var.profile
  associate_public_ip_address = var.address == "public" ? null : false
  session_manager_port        = var.tunnel_port
  ssh_interface               = { public = null, private = "private_ip", session-manager = "session_manager" }[var.address]

  dynamic "launch_block_device_mappings" {
    for_each = var.disk_gb == 0 ? [] : [var.disk_gb]
    content {
      device_name           = var.root_device
      volume_size           = launch_block_device_mappings.value
      volume_type           = "gp3"
      delete_on_termination = true
    }
  }

  dynamic "subnet_filter" {
    for_each = length(var.subnet_tags) == 0 ? [] : [var.subnet_tags]
    content {
      filters   = { for name, value in subnet_filter.value : "tag:${name}" => value }
      most_free = true
    }
  }

  run_tags        = merge(local.tags, { Name = local.builder_name })
  run_volume_tags = local.tags

  user_data = "#cloud-config-archive\n${jsonencode(concat([local.let_root_in], local.bootstrap))}"

  ami_name      = local.image_name
  tags          = local.tags
  snapshot_tags = local.tags
  encrypt_boot  = var.encrypted
  kms_key_id    = var.kms_key == "" ? null : var.kms_key

  # The builder, and every machine made from the AMI, asks for its metadata with a token only.
  imds_support = "v2.0"
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  ssh_username            = "root"
  ssh_keypair_name        = var.ssh_key == "" ? null : var.ssh_key
  ssh_private_key_file    = var.ssh_private_key_file == "" ? null : var.ssh_private_key_file
  temporary_key_pair_type = "ed25519"
  ssh_timeout             = "10m"

  # Through a bastion, where there is one. provision.py goes the same way by itself.
  ssh_bastion_host             = var.bastion_host == "" ? null : var.bastion_host
  ssh_bastion_port             = var.bastion_host == "" ? null : var.bastion_port
  ssh_bastion_username         = var.bastion_host == "" ? null : var.bastion_user
  ssh_bastion_private_key_file = var.bastion_host == "" ? null : var.bastion_key_file

  # One that loses its supervisor and powers itself off is gone.
  shutdown_behavior = "terminate"

  aws_polling {
    delay_seconds = 5
    max_attempts  = 720
  }
}
