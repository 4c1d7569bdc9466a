variable "runner_version" {
  default = null
}

variable "tools" {
  type    = list(string)
  default = ["git", "make"]
}

variable "ports" {
  type    = object({ http = number, metrics = number })
  default = { http = 8080, metrics = 9100 }
}

data "http" "release" {
  url = "https://example.org/runner/latest.json"
}

locals {
  latest = jsondecode(data.http.release.body).version
  labels = ["self-hosted", "linux"]
  user   = "runner"
  home   = "/home/${local.user}"
}

local "join_token" {
  expression = vault("secret/data/runner", "token")
  sensitive  = true
}

source "amazon-ebs" "x86" {
  ami_name      = "runner-x86-{{timestamp}}"
  instance_type = "c5.xlarge"
  region        = "us-east-1"
  ssh_username  = "ubuntu"
  spot_price    = "auto"
  source_ami_filter {
    filters = {
      name = "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*"
    }
    owners      = ["099720109477"]
    most_recent = true
  }
}

source "amazon-ebs" "arm" {
  ami_name      = "runner-arm-{{timestamp}}"
  instance_type = "c7g.xlarge"
  region        = "us-east-1"
  ssh_username  = "ubuntu"
  source_ami_filter {
    filters = {
      name         = "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-arm64-server-*"
      architecture = "arm64"
    }
    owners      = ["099720109477"]
    most_recent = true
  }
}

build {
  sources = ["amazon-ebs.x86", "amazon-ebs.arm"]

  provisioner "file" {
    content     = templatefile("images/start.sh.tpl", { home = local.home })
    destination = "/tmp/start.sh"
  }

  provisioner "shell" {
    env = {
      RUNNER_VERSION = coalesce(var.runner_version, local.latest)
      RUNNER_HOME    = local.home
      HTTP_PORT      = var.ports.http
      METRICS_PORT   = var.ports["metrics"]
    }
    inline = concat(["apt-get update"], [for tool in var.tools : "apt-get install --yes ${tool}"])
  }

  provisioner "shell" {
    only   = ["amazon-ebs.x86"]
    inline = ["echo 'x86 only, ${local.user}'"]
  }

  provisioner "shell" {
    inline = [<<-EOF
      cat > ${local.home}/labels <<'LABELS'
      ${local.labels[0]}
      LABELS
      register --token "${local.join_token}" --arch ${source.name}
      EOF
    ]
  }

  dynamic "provisioner" {
    labels   = ["shell"]
    for_each = var.tools
    content {
      inline = ["which ${provisioner.value}"]
    }
  }
}
