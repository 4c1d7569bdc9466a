"""Commands about the folder packer/: roles, fmt, validate, stage and lock. Only `lock` and `fmt` write to it."""
