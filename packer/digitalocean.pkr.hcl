# DigitalOcean: its plugin, its source. Only contexts for this cloud hold this file.
packer {
  required_plugins {
    digitalocean = {
      source  = "github.com/digitalocean/digitalocean"
      version = "= 1.4.1"
    }
  }
}

variable "vpc" {
  type        = string
  default     = ""
  description = "ID of the building machine's VPC (bakewell:builders.digitalocean). Empty: the region's default one."
}

variable "private" {
  type        = bool
  default     = false
  description = "Whether it is reached at its private address."
}

locals {
  sources = ["source.digitalocean.image"]
}

source "digitalocean" "image" {
  image        = coalesce(var.base_image, "debian-12-x64")
  region       = coalesce(var.region, "nyc3")
  size         = coalesce(var.size, "s-1vcpu-1gb")
  droplet_name = local.builder_name
  tags         = var.tags

  # What the machine needs before Packer can log in; the rest is deploy.py's.
  user_data_file = var.user_data_file == "" ? null : "${path.root}/${var.user_data_file}"

  snapshot_name = local.image_name
  snapshot_tags = var.tags

  # The DigitalOcean agent would be installed behind the build's back, and be part of the image.
  droplet_agent = false

  vpc_uuid                = var.vpc == "" ? null : var.vpc
  private_networking      = var.vpc != "" || var.private ? true : null
  connect_with_private_ip = var.private

  # Through a bastion, where there is one. provision.py goes the same way by itself.
  ssh_bastion_host             = var.bastion_host == "" ? null : var.bastion_host
  ssh_bastion_port             = var.bastion_host == "" ? null : var.bastion_port
  ssh_bastion_username         = var.bastion_host == "" ? null : var.bastion_user
  ssh_bastion_private_key_file = var.bastion_host == "" ? null : var.bastion_key_file

  ssh_username         = "root"
  ssh_key_id           = var.ssh_key == "" ? null : var.ssh_key
  ssh_private_key_file = var.ssh_private_key_file == "" ? null : var.ssh_private_key_file
  # The default, RSA, comes in a form that paramiko (PyInfra, testinfra) refuses.
  temporary_key_pair_type = "ed25519"

  ssh_timeout      = "10m"
  state_timeout    = "10m"
  snapshot_timeout = "60m"
}
