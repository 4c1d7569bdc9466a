#!/bin/sh
# Turns a minimal Debian root file system into the local cloud's stock machine. Runs as root in a container.
# What a stock cloud image has is here; what only real hardware needs is masked, so that a machine boots in seconds.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
here=$(dirname "$0")

# Container images stop services from starting when a package is installed, and empty apt's caches; clouds' don't.
rm -f /usr/sbin/policy-rc.d /etc/apt/apt.conf.d/docker-* /etc/dpkg/dpkg.cfg.d/docker-*
echo 'force-unsafe-io' >/etc/dpkg/dpkg.cfg.d/unsafe-io
echo 'Acquire::Languages "none";' >/etc/apt/apt.conf.d/90languages

# debootstrap knows the main suite only. The security suite lies beside it, on the same host.
if [ -f /etc/apt/sources.list ]; then
    # shellcheck source=/dev/null
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    sed -i -E "s|^deb (\S+) $suite main\$|&\ndeb \1 $suite-updates main\ndeb \1-security $suite-security main|" \
        /etc/apt/sources.list
fi

apt-get update
apt-get install -y --no-install-recommends \
    systemd systemd-sysv dbus openssh-server cloud-init locales \
    sudo curl ca-certificates iproute2 iputils-ping procps python3

# Whoever asks a vendor's name gets the local cloud's mirror (/etc/hosts says so), which is to be believed.
cp "$here/authority.crt" /usr/local/share/ca-certificates/bakewell-local-cloud.crt
update-ca-certificates

install -m 755 "$here/docker-disk.sh" /usr/local/lib/docker-disk
install -m 644 -D -t /usr/lib/systemd/system "$here/docker-disk.service"
mkdir -p /usr/lib/systemd/system/docker.service.wants
ln -s ../docker-disk.service /usr/lib/systemd/system/docker.service.wants/

cp "$here/cloud.cfg" /etc/cloud/cloud.cfg.d/90_bakewell.cfg
update-locale LANG=C.UTF-8
# Debian 13's cloud-init has other units.
units=$(find /usr/lib/systemd/system -name 'cloud-init*.service' ! -name '*hotplug*' -printf '%f ')
# shellcheck disable=SC2086
systemctl enable ssh cloud-config cloud-final $units
systemctl set-default multi-user.target
systemctl mask \
    getty.target console-getty.service \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
    systemd-networkd.service systemd-networkd-wait-online.service \
    dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount sys-kernel-config.mount \
    sys-kernel-debug.mount sys-kernel-tracing.mount proc-sys-fs-binfmt_misc.automount

# Every machine makes its own identity at its first boot.
rm -rf "$here"
apt-get clean
rm -rf /var/lib/apt/lists/* /var/lib/cloud/* /var/cache/apt/*.bin /var/log/apt /var/log/*.log
rm -f /etc/ssh/ssh_host_* /var/lib/dbus/machine-id
: >/etc/machine-id
