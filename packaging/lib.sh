# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A Debian of its own to install things in: systemd, udev, a kernel and its headers, and
# nothing of the machine that it is built on. It is in the cache; who uses it sees it
# through an overlay of his own, so that it is clean each time.

. "$(dirname "${BASH_SOURCE[0]}")/../vm/lib.sh"

# release NAME: which Debian, and the kernels that are there, and that come later; and those
# of which the headers come, too, if only of that series.
release() {
	suite=$1
	case $suite in
	bookworm)
		old=(linux-image-cloud-amd64 linux-headers-cloud-amd64)
		new=(linux-image-6.12-cloud-amd64 linux-headers-6.12-cloud-amd64)
		target=() also=()
		;;
	trixie)
		old=(linux-image-cloud-amd64 linux-headers-cloud-amd64)
		new=("${old[@]}")
		target=(-t trixie-backports) also=(7.2)
		;;
	*) die "no such release: $suite" ;;
	esac
	base=$CACHE/roots/clean-$suite
}

# What apt in the root has to know to get at packages: where they are, and by what way.
configure_apt() {
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg uri
	uri=$(mirror)
	if [ "$suite" = "$(debian_release)" ]; then
		system_sources
	else
		printf '%s main\n' "$uri $suite" "$uri $suite-backports"
	fi | sed "s|^|deb [signed-by=$keyring] |" >"$1/etc/apt/sources.list"
	{
		apt-config dump --no-empty Acquire | grep -vE '^Acquire::(IndexTargets|Languages)'
		echo 'Acquire::Languages "none";'
		echo 'APT::Sandbox::User "root";'
		echo 'Binary::apt::APT::Keep-Downloaded-Packages "true";'
	} >"$1/etc/apt/apt.conf.d/00host"
}

build_base() {
	local from
	[ ! -d "$base" ] || return 0
	say "unpacking Debian $suite, to install things in"
	[ -n "$(system_sources)" ] || quietly as_root apt-get -qq update
	from=$(mirror)
	rm -rf "$base.new"
	mkdir -p "$CACHE/roots" "$CACHE/debs/$suite/partial"
	quietly as_root debootstrap --variant=minbase --include=systemd-sysv,udev \
		"$suite" "$base.new" "$from"
	configure_apt "$base.new"
	quietly inside "$base.new" apt-get -qq update
	quietly inside "$base.new" apt-get -qq -y --no-install-recommends install \
		"${old[@]}" initramfs-tools
	quietly inside "$base.new" apt-get clean
	mv "$base.new" "$base"
}

base_root() {
	need_root "work in a root of its own"
	command -v debootstrap >/dev/null || die "no debootstrap; run vm/setup first"
	[ -d "$base" ] || locked "root-clean-$suite" build_base
}

# In a mount namespace of its own: nothing stays mounted, whatever happens.
# $1 the root, $2 the packages that apt has fetched; $3 what lies above it, if anything.
enter='
	root=$1 debs=$2 above=$3 base=$4
	shift 4
	if [ -n "$above" ]; then
		mkdir -p "$root" "$above/upper" "$above/work"
		mount -t overlay overlay \
			-o "lowerdir=$base,upperdir=$above/upper,workdir=$above/work" "$root"
	fi
'
chrooted='
	mount -t proc proc "$root/proc"
	mount -t tmpfs -o mode=755 tmpfs "$root/dev"
	for node in null zero full random urandom tty; do
		: >"$root/dev/$node"
		mount --bind "/dev/$node" "$root/dev/$node"
	done
	ln -s /proc/self/fd "$root/dev/fd"
	ln -s fd/0 "$root/dev/stdin"
	ln -s fd/1 "$root/dev/stdout"
	ln -s fd/2 "$root/dev/stderr"
	mount -t tmpfs -o mode=755 tmpfs "$root/run"
	mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
	mkdir -p "$debs"
	mount --bind "$debs" "$root/var/cache/apt/archives"
	cat /etc/resolv.conf >"$root/etc/resolv.conf"
	exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive HOME=/root "$@"
'

# inside ROOT COMMAND...: the command in that root as it is.
inside() {
	as_root unshare --mount --propagation private sh -euc "$enter$chrooted" sh \
		"$1" "$CACHE/debs/$suite" '' '' "${@:2}"
}

# in_root DIR COMMAND...: the command in a root that is clean but for what others have done
# there before for the same DIR.
in_root() {
	as_root unshare --mount --propagation private sh -euc "$enter$chrooted" sh \
		"$1/root" "$CACHE/debs/$suite" "$1" "$base" "${@:2}"
}

# beside_root DIR COMMAND...: the command out here, which sees that root as DIR/root.
beside_root() {
	as_root unshare --mount --propagation private sh -euc "$enter"'exec "$@"' sh \
		"$1/root" "$CACHE/debs/$suite" "$1" "$base" "${@:2}"
}
