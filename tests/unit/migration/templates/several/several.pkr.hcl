variable "name" {
  default = "edge"
}

variable "motd" {
  default = "of $(hostname)"
}

variable "admin_password" {
  default = "plain-in-the-template"
}

source "digitalocean" "edge" {
  image         = "debian-12-x64"
  size          = "s-1vcpu-512mb-10gb"
  region        = "nyc3"
  ssh_username  = "root"
  snapshot_name = "${var.name}-{{timestamp}}"
  ipv6          = true
  something_new = [1, 2.5, true, null]
}

source "docker" "edge" {
  image  = "debian:bookworm"
  commit = true
  changes = [
    "EXPOSE 80",
    "CMD [\"nginx\"]",
  ]
}

source "virtualbox-iso" "edge" {
  iso_url      = "https://example.org/debian.iso"
  iso_checksum = "sha256:0"
  ssh_username = "root"
  ssh_password = "vagrant-pw"
}

source "amazon-ebs" "windows" {
  communicator  = "winrm"
  instance_type = "t3.large"
  source_ami    = "ami-0123456789abcdef1"
}

build {
  sources = [
    "source.digitalocean.edge",
    "source.docker.edge",
    "source.virtualbox-iso.edge",
    "source.amazon-ebs.windows",
  ]

  provisioner "shell" {
    scripts = ["scripts/a.sh", "../outside.sh", "/etc/hostname", "scripts/link.sh"]
  }

  provisioner "shell" {
    inline = [
      "echo ${var.motd} > /etc/motd",
      "curl -u admin:${var.admin_password} http://127.0.0.1/",
      "export API_TOKEN=0123456789abcdef",
      "cat <<'END'",
      "${var.name} $HOME",
      "END",
      "# it isn't quoted here: ${var.name}",
      "echo '${var.name}' \"${var.name}\" ${var.name}",
    ]
    environment_vars = ["SERVICE_PASSWORD=written-in-the-template"]
  }

  provisioner "file" {
    sources     = ["scripts", "scripts/a.sh"]
    destination = "/opt"
  }

  provisioner "breakpoint" {
    note = "look"
  }

  provisioner "file" {
    source      = "scripts/a.sh"
    destination = "edge.sh"
  }

  post-processors {
    post-processor "docker-tag" {
      repository = "example/edge"
    }
    post-processor "docker-push" {}
  }
}

build {
  sources = ["source.virtualbox-iso.edge"]
  provisioner "shell" {
    inline = ["echo hypervisor"]
  }
}
