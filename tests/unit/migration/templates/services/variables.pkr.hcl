packer {
  required_version = ">= 1.9.0"
  required_plugins {
    digitalocean = {
      version = ">= 1.1.1"
      source  = "github.com/digitalocean/digitalocean"
    }
  }
}

variable "do_token" {
  type        = string
  default     = env("DIGITALOCEAN_TOKEN")
  sensitive   = true
  description = "For the API"
}

variable "region" {
  type    = string
  default = "ams3"
}

variable "base_size" {
  default = "s-2vcpu-2gb"
}

variable "consul_version" {
  type        = string
  default     = "1.17.1"
  description = "Consul, as its vendor names releases"

  validation {
    condition     = length(var.consul_version) > 0
    error_message = "A version is wanted."
  }
}

variable "registry" {
  type    = string
  default = "registry.example.org"
}

variable "registry_token" {
  type        = string
  sensitive   = true
  default     = "never-to-be-written-7f3a"
  description = "Pulls the private images"
}

variable "swap_gb" {
  type    = number
  default = 2
}

variable "extra_packages" {
  type    = list(string)
  default = ["curl", "jq"]
}

variable "nobody_needs_this" {
  default = 1
}
