source "digitalocean" "played" {
  image         = "debian-12-x64"
  region        = "nyc3"
  size          = "s-1vcpu-1gb"
  ssh_username  = "root"
  snapshot_name = "played-{{timestamp}}"
}

build {
  sources = ["source.digitalocean.played"]

  provisioner "ansible" {
    playbook_file   = "ansible/site.yml"
    extra_arguments = ["--extra-vars", "greeting=hello"]
  }
}
