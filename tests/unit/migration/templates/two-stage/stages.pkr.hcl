variable "team" {
  default     = "data"
  description = "Whose images they are"
}

source "amazon-ebs" "first" {
  ami_name      = "${var.team}-stage1-{{isotime \"2006-01-02\"}}"
  instance_type = "t4g.large"
  region        = "eu-central-1"
  ssh_username  = "admin"
  source_ami    = "ami-0123456789abcdef0"

  launch_block_device_mappings {
    device_name = "/dev/xvda"
    volume_size = 40
  }
}

source "amazon-ebs" "second" {
  instance_type = "t4g.small"
  region        = "eu-central-1"
  ssh_username  = "admin"

  source_ami_filter {
    filters = {
      name = "${var.team}-stage1-*"
    }
    owners      = ["self"]
    most_recent = true
  }
}

build {
  name = "stage1"
  source "source.amazon-ebs.first" {
    ssh_timeout = "20m"
  }

  provisioner "ansible-local" {
    playbook_file = "ansible/stage1.yml"
    galaxy_file   = "ansible/requirements.yml"
    extra_arguments = [
      "--extra-vars", "\"team=${var.team}\"",
    ]
  }

  provisioner "shell" {
    inline            = ["sudo systemctl reboot"]
    expect_disconnect = true
  }
}

build {
  name = "stage2"
  source "source.amazon-ebs.second" {
    ami_name = "${var.team}-stage2"
  }

  provisioner "shell" {
    script          = "second.sh"
    execute_command = "sudo -u postgres bash {{ .Path }}"
  }

  error-cleanup-provisioner "shell-local" {
    inline = ["echo failed"]
  }
}
