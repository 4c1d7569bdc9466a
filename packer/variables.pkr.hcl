# Every variable has a default, so that `packer validate .` and `packer build .` work by hand in a staged directory.
# None of them is a secret: the API token comes from the process environment (DIGITALOCEAN_TOKEN).

variable "role" {
  type        = string
  default     = "image"
  description = "Which image this is: the folder under packer/images/."
}

variable "prefix" {
  type        = string
  default     = "bakewell"
  description = "First part of the snapshot's name."
}

variable "base_image" {
  type        = string
  default     = ""
  description = "Slug or ID of the image to start from: a stock one, or the parent's snapshot. Empty: stock Debian 12."
}

variable "region" {
  type        = string
  default     = "nyc3"
  description = "Where the image is built."
}

variable "size" {
  type        = string
  default     = "s-1vcpu-1gb"
  description = "Size of the machine that builds it; machines made from the image need a disk at least as large."
}

variable "user_data_file" {
  type        = string
  default     = ""
  description = "user_data of the machine that builds the image, a file beside the templates. Empty: none."
}

variable "image_name" {
  type        = string
  default     = ""
  description = "Name of the snapshot. Empty: <prefix>-<role>-YYYY-MM-DD-HHMM-<6 hex>."
}

variable "droplet_name" {
  type        = string
  default     = ""
  description = "Name of the machine that builds it. Empty: the snapshot's name."
}

variable "tags" {
  type        = list(string)
  default     = []
  description = "Tags of the building machine, and of its snapshot."
}

variable "ssh_key_id" {
  type        = number
  default     = 0
  description = "ID of a key in the account that the building machine lets in, given with ssh_private_key_file. 0: Packer makes one for this build."
}

variable "ssh_private_key_file" {
  type        = string
  default     = ""
  description = "The private half of ssh_key_id, a file that only its owner can read."
}

variable "manifest_path" {
  type        = string
  default     = "manifest.json"
  description = "Where Packer writes the ID of the snapshot."
}

locals {
  run          = substr(replace(uuidv4(), "-", ""), 0, 6)
  image_name   = coalesce(var.image_name, "${var.prefix}-${var.role}-${formatdate("YYYY-MM-DD-hhmm", timestamp())}-${local.run}")
  droplet_name = coalesce(var.droplet_name, local.image_name)
}
