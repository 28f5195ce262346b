# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the scripts of vm/ share: the cache, root rights, and an apt of our own.
#
# The apt of our own has its package lists in the cache and, besides the
# system's Debian sources, the release's backports; or those of a newer release
# alone. It leaves the system's configuration alone, and apt still checks every
# signature.

CACHE=${MUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/muster}
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Say on stderr, so that stdout stays free for a script's result.
say() {
	echo "vm/${0##*/}: $*" >&2
}

die() {
	say "$*"
	exit 1
}

# locked NAME COMMAND...: one process at a time. The command must look again
# whether there is still work to do.
locked() {
	local lock=$CACHE/$1.lock
	shift
	mkdir -p "$CACHE"
	(
		flock 9
		"$@" 9>&-
	) 9>"$lock"
}

# quietly COMMAND...: its output goes to a log that is shown if it fails.
quietly() {
	local log rc=0
	log=$(mktemp)
	"$@" >"$log" 2>&1 || rc=$?
	if [ "$rc" -ne 0 ]; then
		cat "$log" >&2
		say "failed: $*"
	fi
	rm -f "$log"
	return "$rc"
}

# need_root WHAT-FOR
need_root() {
	[ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
		die "needs to be root, or sudo, to $*"
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

debian_release() {
	(. /etc/os-release && echo "$VERSION_CODENAME")
}

# "URI SUITE COMPONENT" of every Debian source the system has lists of.
system_sources() {
	apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' \
		'Created-By: Packages' 'Origin: Debian' | sort -u
}

# The Debian mirror that the system uses.
mirror() {
	system_sources | awk -v release="$(debian_release)" \
		'$2 == release { print $1; exit }'
}

# write_sources [SUITE]: the system's, and the suite from the same mirror.
write_sources() {
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg sources
	sources=$(system_sources)
	if [ -z "$sources" ]; then
		need_root "fetch the package lists"
		as_root apt-get -qq update
		sources=$(system_sources)
	fi
	{
		[ -n "$foreign" ] || echo "$sources"
		[ -z "${1:-}" ] || echo "$(mirror) $1 main"
	} | sort -u | sed "s|^|deb [signed-by=$keyring] |" >"$APT/sources"
}

# use_release [RELEASE]: which one's packages our apt is for; without, the
# system's own.
use_release() {
	foreign=${1:-}
	APT=$CACHE/apt${foreign:+-$foreign}
	own_options=(
		-o Dir::Etc::sourcelist="$APT/sources"
		-o Dir::Etc::sourceparts=/dev/null
		-o Dir::Etc::preferencesparts=/dev/null
		-o Dir::State::lists="$APT/lists"
		-o Acquire::Languages=none
		-o APT::Sandbox::User=root
	)
}
use_release

# own_apt apt-get|apt-cache ARG...: as if no package were installed.
own_apt() {
	"$1" -qq "${own_options[@]}" -o Dir::State::status="$APT/status" \
		-o Dir::Cache="$APT/cache" "${@:2}"
}

update_lists() {
	# One set-up calls this several times in a row: an hour is new enough.
	[ -z "$(find "$APT/updated" -mmin -60 2>/dev/null)" ] || return 0
	mkdir -p "$APT/lists/partial" "$APT/cache/archives/partial"
	: >"$APT/status"
	write_sources "${foreign:-$(debian_release)}-backports"
	quietly own_apt apt-get update --error-on=any || {
		[ -z "$foreign" ] || return 1
		say "going on without backports"
		write_sources
		quietly own_apt apt-get update || return 1
	}
	touch "$APT/updated"
}

own_lists() {
	locked "${APT##*/}" update_lists
}

# fetch_packages DIR PACKAGE...: unpacks the packages below DIR.
fetch_packages() {
	local dir=$1 deb
	shift
	mkdir -p "$dir/debs"
	(cd "$dir/debs" && quietly own_apt apt-get download "$@")
	for deb in "$dir"/debs/*.deb; do
		dpkg-deb -x "$deb" "$dir"
	done
	rm -r "$dir/debs"
}

# kernel_source PACKAGE: the directory in the cache with Debian's kernel source,
# PACKAGE.tar.xz, and its version. Not looked up again once it is there.
kernel_source() {
	local dir=$CACHE/sources/$1
	[ -d "$dir" ] || locked "$1" fetch_source "$dir" "$1"
	echo "$dir"
}

fetch_source() {
	local dir=$1 package=$2 changelog
	[ ! -d "$dir" ] || return 0
	say "fetching $package"
	own_lists
	rm -rf "$dir.new" "$dir.deb"
	mkdir -p "$dir.new"
	fetch_packages "$dir.deb" "$package"
	mv "$dir.deb/usr/src/$package.tar.xz" "$dir.new"
	changelog=$(zcat "$dir.deb/usr/share/doc/$package/changelog.Debian.gz")
	sed -n '1s/.*(\(.*\)).*/\1/p' <<<"$changelog" >"$dir.new/version"
	rm -rf "$dir.deb"
	mv "$dir.new" "$dir"
}

# QEMU's version as a number: 802 for 8.2.
qemu_version() {
	qemu-system-x86_64 --version |
		sed -n '1s/.*version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' |
		awk '{ print $1 * 100 + $2 }'
}
