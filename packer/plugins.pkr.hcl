# Exact versions: they are part of every image's fingerprint, so that an upgrade is a change one can see.
packer {
  required_version = "= 1.15.0"

  required_plugins {
    digitalocean = {
      source  = "github.com/digitalocean/digitalocean"
      version = "= 1.4.1"
    }
  }
}
