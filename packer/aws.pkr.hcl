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

variable "subnet" {
  type        = string
  default     = ""
  description = "Where the building machine runs (bakewell:aws.subnet). Empty: in the region's default VPC."
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
  source_ami      = var.base_image
  region          = coalesce(var.region, "us-east-1")
  instance_type   = coalesce(var.size, "t3.micro")
  subnet_id       = var.subnet == "" ? null : var.subnet
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

  # One that loses its supervisor and powers itself off is gone.
  shutdown_behavior = "terminate"

  aws_polling {
    delay_seconds = 5
    max_attempts  = 720
  }
}
