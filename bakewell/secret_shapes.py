"""Recognises secrets: by a file's name, the start of its content, or the name and value of a setting.

Files and values that look like secrets are kept out of images, fingerprints and user_data. A short secret can be
guessed from its digest, so hashing is no protection. `masks` uses this module to find variables to mask. The checks
catch accidents; they do not find every secret.
"""

from __future__ import annotations

import os
import re

HEAD = 16 * 1024
"""Number of bytes at the start of a file that are searched."""

_NAMES = re.compile(
    r"""^(?:
        \.env(?:\..+)? | .+\.env | \.envrc
      | .+\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk|ovpn|tfstate|token|secret)
      | id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?(?:[._-].*)?(?<!\.pub)
      | ssh_host_.+_key
      | \.netrc | \.pgpass | \.my\.cnf | \.pypirc | \.npmrc | \.git-credentials | \.dockercfg
      | \.htpasswd | \.vault-token
      | credentials(?:\.(?:json|ya?ml|toml|ini|csv|txt))? | secrets?(?:\.(?:json|ya?ml|toml|ini|txt))?
      | token(?:\.(?:json|txt))? | kubeconfig | vault-token
    )$""",
    re.VERBOSE | re.IGNORECASE,
)

# The literal is searched first because this is cheap; the pattern then decides.
_CONTENT: tuple[tuple[bytes, re.Pattern[bytes], str], ...] = tuple(
    (literal, re.compile(pattern), what)
    for literal, pattern, what in (
        (b"PRIVATE KEY", rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----", "a private key"),
        (b"PuTTY-User-Key", rb"PuTTY-User-Key-File-\d", "a private key"),
        (b"AGE-SECRET-KEY", rb"AGE-SECRET-KEY-1[0-9A-Z]{20,}", "an age key"),
        (b"AKIA", rb"\bAKIA[0-9A-Z]{16}\b", "an AWS access key"),
        (b"ASIA", rb"\bASIA[0-9A-Z]{16}\b", "an AWS access key"),
        (b"_v1_", rb"\bdo[opr]_v1_[0-9a-f]{64}\b", "a DigitalOcean token"),
        (b"gh", rb"\bgh[pousr]_[A-Za-z0-9]{36,}", "a GitHub token"),
        (b"github_pat_", rb"\bgithub_pat_[A-Za-z0-9_]{40,}", "a GitHub token"),
        (b"glpat-", rb"\bglpat-[A-Za-z0-9_-]{20,}", "a GitLab token"),
        (b"xox", rb"\bxox[abprs]-[A-Za-z0-9-]{10,}", "a Slack token"),
        (b"pul-", rb"\bpul-[0-9a-f]{40}\b", "a Pulumi token"),
        (b"hvs.", rb"\bhvs\.[A-Za-z0-9_-]{24,}", "a Vault token"),
    )
)

_WORDS = r"passwd|password|passphrase|secret|token|credentials?|(?:api|access|private|secret|auth)[_-]?key"
_SETTING = re.compile(rf"(?:^|[_.-])(?:pass|{_WORDS})$|[_.-]pwd$", re.IGNORECASE)
# Masking too much costs a word in a log, so these words match anywhere in a variable's name. PWD alone is a folder.
_VARIABLE = re.compile(
    rf"{_WORDS}|sshpass|(?:^|[_.-])(?:pass|auth|jwt|cookie)(?:$|[_.-])|[_.-]pwd(?:$|[_.-])"
    r"|(?:master|encryption|signing|deploy|session|storage|account)[_-]?key",
    re.IGNORECASE,
)


def secret_name(name: str) -> bool:
    """True when a file called `name` (no folders) usually holds a secret. A `.pub` key and a `.crt` do not."""
    return _NAMES.match(name) is not None


def secret_content(head: bytes) -> str | None:
    """The kind of secret in the first bytes of a file, in words; None if there is none."""
    for literal, pattern, what in _CONTENT:
        if literal in head and pattern.search(head):
            return what
    return None


def secret_setting(key: str, value: object) -> str | None:
    """The reason why the setting `key = value` looks like a secret, in words; None if it does not."""
    if isinstance(value, str):
        if _SETTING.search(key) and value:
            return f"`{key}` is the name of a secret"
        found = secret_content(value.encode(errors="surrogatepass"))
        if found:
            return f"`{key}` holds {found}"
    return None


def secret_variable(name: str, value: str) -> bool:
    """True when the environment variable `name` usually holds a secret, or its value shows one."""
    return bool(_VARIABLE.search(name)) or secret_content(os.fsencode(value[:HEAD])) is not None
