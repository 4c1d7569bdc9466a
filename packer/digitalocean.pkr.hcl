# DigitalOcean: its plugin, its source. Only contexts for this cloud hold this file.
packer {
  required_plugins {
    digitalocean = {
      source  = "github.com/digitalocean/digitalocean"
      version = "= 1.4.1"
    }
  }
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

  ssh_username         = "root"
  ssh_key_id           = var.ssh_key == "" ? null : var.ssh_key
  ssh_private_key_file = var.ssh_private_key_file == "" ? null : var.ssh_private_key_file
  # The default, RSA, comes in a form that paramiko (PyInfra, testinfra) refuses.
  temporary_key_pair_type = "ed25519"

  ssh_timeout      = "10m"
  state_timeout    = "10m"
  snapshot_timeout = "60m"
}
