packer {
  required_plugins {
    digitalocean = {
      source  = "github.com/digitalocean/digitalocean"
      version = ">= 1.0.4"
    }
  }
}

variable "do_token" {
  type      = string
  sensitive = true
}

variable "release" {
  type    = string
  default = "1.4.2"
}

locals {
  app_dir = "/srv/app"
}

source "digitalocean" "services" {
  api_token     = var.do_token
  image         = "debian-12-x64"
  region        = "nyc3"
  size          = "s-1vcpu-1gb"
  ssh_username  = "root"
  snapshot_name = "services-{{timestamp}}"
}

build {
  sources = ["source.digitalocean.services"]

  provisioner "file" {
    source      = "files/app.conf"
    destination = "/etc/app.conf"
  }

  provisioner "shell" {
    script           = "scripts/install.sh"
    environment_vars = ["RELEASE=${var.release}", "APP_DIR=${local.app_dir}"]
  }
}
