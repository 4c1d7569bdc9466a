"""Fixtures that tests of several folders share; what is slow to load is loaded for those that ask for it."""

from __future__ import annotations

from tests.small_project import nothing_shared
from tests.unit.core.machine.sshd import key, sshd
from tests.unit.one_aws import aws
from tests.unit.one_cloud import one_cloud, served
from tests.unit.one_proxy import one_proxy
from tests.unit.vendor import certificate, vendor

__all__ = ["aws", "certificate", "key", "nothing_shared", "one_cloud", "one_proxy", "served", "sshd", "vendor"]
