data "digitalocean-image" "base" {
  api_token  = var.do_token
  name_regex = "^services-base-[0-9]+$"
  latest     = true
}

source "digitalocean" "api" {
  api_token     = var.do_token
  image         = data.digitalocean-image.base.image_id
  region        = var.region
  size          = "s-1vcpu-1gb"
  ssh_username  = "root"
  snapshot_name = "services-api-${local.stamp}"
}

build {
  name    = "services-api"
  sources = ["source.digitalocean.api"]

  provisioner "shell" {
    environment_vars = ["REGISTRY=${var.registry}"]
    inline           = ["docker pull $REGISTRY/api:1"]
  }
}
