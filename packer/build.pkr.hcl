# The one build that every image shares. What differs is in the role's image.toml, deploy.py and checks.py.

locals {
  # Only when Packer made the key; one that was given stays where it is.
  key_file = coalesce(var.ssh_private_key_file, "${abspath(path.root)}/build-ssh-key")

  # How provision.py gets through a bastion: ssh carries its connection there, and trusts the hosts that its user does.
  bastion_options = "-F /dev/null -o BatchMode=yes -p ${var.bastion_port} -i '${var.bastion_key_file}'"
  bastion         = var.bastion_host == "" ? "" : "ssh ${local.bastion_options} -W %h:%p ${var.bastion_user}@${var.bastion_host}"
}

build {
  sources = local.sources

  # The private key goes by a file that only its owner can read: an argument or a variable is for everyone to see.
  # provision.py removes it. `exec`, because Packer kills this shell when it is interrupted, and no more than it.
  provisioner "shell-local" {
    # provision.py keeps to its own limits, and says what ran into them. This one is for when it cannot.
    timeout = "${var.timeout_minutes + 15}m"
    env = {
      BUILD_HOST     = build.Host
      BUILD_PORT     = var.tunnel_port == 0 ? build.Port : "${var.tunnel_port}"
      BUILD_USER     = build.User
      BUILD_KEY_FILE = local.key_file
      BUILD_ROLE     = var.role
      BUILD_IMAGE    = local.image_name
      BUILD_SECONDS  = var.timeout_minutes * 60
      BUILD_BASTION  = local.bastion
    }
    inline = [
      "cd '${abspath(path.root)}'",
      "umask 077",
      var.ssh_private_key_file != "" ? ":" : "cat > build-ssh-key <<'KEY'\n${build.SSHPrivateKey}\nKEY",
      "umask 022",
      "exec python3 provision.py",
    ]
  }

  error-cleanup-provisioner "shell-local" {
    inline = ["rm -f '${abspath(path.root)}/build-ssh-key'"]
  }

  post-processor "manifest" {
    output     = var.manifest_path
    strip_path = true
  }
}
