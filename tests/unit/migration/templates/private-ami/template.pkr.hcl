packer {
  required_plugins {
    amazon = {
      version = "~> 1"
      source  = "github.com/hashicorp/amazon"
    }
    ansible = {
      version = "~> 1"
      source  = "github.com/hashicorp/ansible"
    }
  }
}

variable "environment" {
  type = string
}

variable "agent_version" {
  type    = string
  default = "3.2.0"
}

variable "vault_password" {
  type      = string
  sensitive = true
}

variable "extra_disks" {
  type    = map(number)
  default = { "/dev/sdf" = 20 }
}

data "amazon-ami" "debian" {
  filters = {
    name                = "debian-12-amd64-*"
    virtualization-type = "hvm"
  }
  most_recent = true
  owners      = ["136693071363"]
  region      = "eu-west-1"
}

data "amazon-secretsmanager" "agent" {
  name = "build/agent"
  key  = "token"
}

source "amazon-ebs" "agent" {
  ami_name                    = "agent-${var.environment}-${formatdate("YYYYMMDD", timestamp())}"
  ami_description             = "Build agent"
  ami_users                   = ["111122223333"]
  associate_public_ip_address = false
  encrypt_boot                = true
  iam_instance_profile        = "packer"
  instance_type               = "m6i.large"
  region                      = "eu-west-1"
  source_ami                  = data.amazon-ami.debian.id
  ssh_interface               = "session_manager"
  ssh_username                = "admin"
  communicator                = "ssh"

  subnet_filter {
    filters = {
      "tag:Tier" = "private"
    }
    random = true
  }

  launch_block_device_mappings {
    device_name           = "/dev/xvda"
    volume_size           = 30
    volume_type           = "gp3"
    delete_on_termination = true
  }

  dynamic "launch_block_device_mappings" {
    for_each = var.extra_disks
    content {
      device_name = launch_block_device_mappings.key
      volume_size = launch_block_device_mappings.value
    }
  }

  tags = {
    Environment = var.environment
  }
}

build {
  sources = ["source.amazon-ebs.agent"]

  provisioner "ansible" {
    playbook_file = "${path.root}/ansible/agent.yml"
    user          = "admin"
    use_proxy     = false
    extra_arguments = [
      "--extra-vars", "agent_version=${var.agent_version} environment=${var.environment}",
      "-e", "agent_token=${data.amazon-secretsmanager.agent.value}",
      "--vault-password-file", "vault.sh",
      "-vv",
    ]
    ansible_env_vars = ["ANSIBLE_NOCOLOR=True"]
    groups           = ["agents"]
  }
}
