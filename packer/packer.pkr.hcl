# An exact version: it is part of every image's fingerprint, so that an upgrade is a change one can see. Each cloud's
# plugin is beside its source, in <cloud>.pkr.hcl.
packer {
  required_version = "= 1.15.0"
}
