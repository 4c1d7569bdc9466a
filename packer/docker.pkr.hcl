# Docker: its plugin, its source. Only contexts for this cloud hold this file, so what is changed here makes new images.
# A machine is a container with systemd, sshd and cloud-init in it; its image is a commit of it.
packer {
  required_plugins {
    docker = {
      source  = "github.com/hashicorp/docker"
      version = "= 1.1.2"
    }
  }
}

variable "ssh_port" {
  type        = number
  default     = 2222
  description = "A free port of this machine, by which the builder's SSH is reached."
}

locals {
  sources = ["source.docker.image"]

  # bakewell:role:web is the label bakewell:role with the value web; a flag, such as bakewell:builder, has an empty one.
  labels = [
    for text in var.tags :
    "--label=${join(":", slice(split(":", text), 0, 2))}=${join(":", slice(split(":", text), 2, length(split(":", text))))}"
  ]

  # What cloud-init reads at boot. var.ssh_key is a folder: meta-data with the public key, user-data, vendor-data.
  seed      = "/var/lib/cloud/seed/nocloud"
  key       = var.ssh_key == "" ? [] : ["--volume=${var.ssh_key}:${local.seed}:ro"]
  bootstrap = var.user_data_file == "" ? [] : ["--volume=${abspath(path.root)}/${var.user_data_file}:${local.seed}/user-data:ro"]

  # `docker run` gives a container the proxies of the user's ~/.docker/config.json, passwords and all, and a commit keeps
  # them. The build needs none of them: its commands come by SSH, and see no variable of the container.
  proxies = [for name in ["HTTP", "HTTPS", "FTP", "ALL", "NO"] : ["--env=${name}_PROXY=", "--env=${lower(name)}_proxy="]]
}

source "docker" "image" {
  image = coalesce(var.base_image, "bakewell-base:debian-12")
  pull  = false

  run_command = concat(
    ["--detach", "--name=${local.builder_name}", "--hostname=${local.builder_name}", "--publish=127.0.0.1:${var.ssh_port}:22"],
    # systemd's needs, as in bakewell/clouds/docker.py: control groups that it may write to, and a /run of its own.
    ["--cap-add=SYS_ADMIN", "--cap-add=NET_ADMIN", "--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined"],
    ["--cgroupns=host", "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw", "--tmpfs=/run", "--tmpfs=/run/lock", "--env=container=docker", "--stop-signal=SIGRTMIN+3"],
    flatten(local.proxies), local.key, local.bootstrap, local.labels,
    ["{{.Image}}", "/lib/systemd/systemd"],
  )
  # Where the plugin puts a folder of the host's; on /run, so that the image has no trace of it.
  container_dir = "/run/packer"

  # The image has the container's labels, and its name as message. It is no builder, though.
  commit  = true
  message = local.image_name
  changes = ["LABEL bakewell:builder=over", "CMD [\"/lib/systemd/systemd\"]"]

  communicator         = "ssh"
  ssh_host             = "127.0.0.1"
  ssh_port             = var.ssh_port
  ssh_username         = "root"
  ssh_private_key_file = var.ssh_private_key_file == "" ? null : var.ssh_private_key_file
  ssh_timeout          = "10m"
}
