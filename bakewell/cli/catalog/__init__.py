"""Commands about packer/: roles, fmt, validate, stage, eject and lock. `lock`, `eject` and `fmt` alone write to it."""
