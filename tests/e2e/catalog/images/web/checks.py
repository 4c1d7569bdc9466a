"""What must hold before the snapshot is taken."""

from testinfra.host import Host


def test_stamp_is_in_place(host: Host) -> None:
    assert host.file("/etc/bakewell/stamp-web").content_string.startswith("web")
