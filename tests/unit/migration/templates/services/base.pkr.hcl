locals {
  stamp    = formatdate("YYYYMMDDhhmm", timestamp())
  home     = "/opt/services"
  settings = "${local.home}/settings.env"
}

source "digitalocean" "base" {
  api_token        = var.do_token
  image            = "ubuntu-22-04-x64"
  region           = var.region
  size             = var.base_size
  ssh_username     = "root"
  snapshot_name    = "services-base-${local.stamp}"
  snapshot_regions = ["ams3", "fra1"]
  tags             = ["packer"]
  user_data        = <<-EOT
    #cloud-config
    package_update: true
  EOT
}

build {
  name    = "services-base"
  sources = ["source.digitalocean.base"]

  provisioner "shell" {
    inline = [
      "cloud-init status --wait",
      "apt-get update",
      "apt-get install --yes ${join(" ", var.extra_packages)}",
      "fallocate -l ${var.swap_gb}G /swap && chmod 600 /swap",
    ]
    environment_vars = ["DEBIAN_FRONTEND=noninteractive"]
  }

  provisioner "shell" {
    scripts         = ["scripts/docker.sh", "scripts/consul.sh"]
    execute_command = "chmod +x {{ .Path }}; {{ .Vars }} sudo -E {{ .Path }}"
    environment_vars = [
      "CONSUL_VERSION=${var.consul_version}",
      "REGISTRY=${var.registry}",
      "REGISTRY_TOKEN=${var.registry_token}",
      "BUILT=${local.stamp}",
    ]
    pause_before = "10s"
    max_retries  = 3
  }

  provisioner "shell" {
    inline = [
      "mkdir -p '${local.home}' # the services' home",
      "echo ${var.registry_token} | docker login ${var.registry} -u ci --password-stdin",
      "printf 'registry=%s\\n' \"${var.registry}\" > ${local.settings}",
    ]
    inline_shebang = "/bin/bash -eu"
  }

  provisioner "file" {
    source      = "files/consul/"
    destination = "/etc/consul.d/"
  }

  provisioner "file" {
    source      = "files/motd"
    destination = "/etc/"
  }

  provisioner "file" {
    content     = "consul ${var.consul_version}\n"
    destination = "/etc/services-release"
  }

  provisioner "file" {
    source      = "/var/log/dpkg.log"
    destination = "packages.log"
    direction   = "download"
  }

  provisioner "shell-local" {
    inline = ["echo done"]
  }

  post-processor "manifest" {
    output = "manifest.json"
  }

  post-processor "shell-local" {
    inline = ["./announce.sh ${local.stamp}"]
  }
}
