# Every variable has a default, so that `packer validate .` and `packer build .` work by hand in a staged directory.
# None of them is a secret: credentials come from the process environment.

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
  description = "ID of the image to start from: a stock one, or the parent's; on DigitalOcean also a slug. Empty: stock Debian 12, where the cloud has a name for it."
}

variable "region" {
  type        = string
  default     = ""
  description = "Where the image is built. Empty: the cloud's default, as its file says."
}

variable "size" {
  type        = string
  default     = ""
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

variable "builder_name" {
  type        = string
  default     = ""
  description = "Name of the machine that builds it. Empty: the snapshot's name."
}

variable "tags" {
  type        = list(string)
  default     = []
  description = "Tags of the building machine, and of its image, as DigitalOcean has them: bakewell:<key>:<value>."
}

variable "ssh_key" {
  type        = string
  default     = ""
  description = "ID or name of a key in the account that the building machine lets in, given with ssh_private_key_file. Empty: Packer makes one for this build."
}

variable "ssh_private_key_file" {
  type        = string
  default     = ""
  description = "The private half of ssh_key, a file that only its owner can read."
}

variable "tunnel_port" {
  type        = number
  default     = 0
  description = "A free port of this host, from which a tunnel leads to the building machine's SSH. 0: no tunnel."
}

variable "bastion_host" {
  type        = string
  default     = ""
  description = "A machine through which the building machine is reached (bakewell:builders). Empty: directly."
}

variable "bastion_port" {
  type        = number
  default     = 22
  description = "Its SSH port."
}

variable "bastion_user" {
  type        = string
  default     = "root"
  description = "Who logs in there."
}

variable "bastion_key_file" {
  type        = string
  default     = ""
  description = "The private key that logs in there, a file that only its owner can read."
}

variable "timeout_minutes" {
  type        = number
  default     = 30
  description = "How long the deploy and its checks may take, from when cloud-init is done."
}

variable "manifest_path" {
  type        = string
  default     = "manifest.json"
  description = "Where Packer writes the ID of the snapshot."
}

locals {
  run          = substr(replace(uuidv4(), "-", ""), 0, 6)
  image_name   = coalesce(var.image_name, "${var.prefix}-${var.role}-${formatdate("YYYY-MM-DD-hhmm", timestamp())}-${local.run}")
  builder_name = coalesce(var.builder_name, local.image_name)
}
