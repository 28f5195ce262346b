# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# What the tests share. A test ends at the first command that fails (set -e).

# A key that is no other test's.
k=${PWD##*/}

# What must happen gets all the time in the world, as the machine may be slow.
soon() {
	give_up=$(($(date +%s) + 60))
	until "$@"; do
		if [ "$(date +%s)" -gt $give_up ]; then
			echo "never: $*" >&2
			return 1
		fi
		usleep 25000
	done
}

# fails STATUS COMMAND...: it ends with this exit status.
fails() {
	want=$1 got=0
	shift
	"$@" || got=$?
	[ "$got" -eq "$want" ] || {
		echo "exit status $got, not $want: $*" >&2
		return 1
	}
}

# ended STATUS PID: a child has ended, or will, with this exit status.
ended() {
	fails "$1" wait "$2"
}

# has_waiters PID N: so many wait for the object that the process has open.
has_waiters() {
	cat /proc/"$1"/fdinfo/* 2>/dev/null |
		awk -v want="$2" '/^muster-waiters:/ { n = $2 } END { exit n != want }'
}

# has_lines FILE N
has_lines() {
	[ -e "$1" ] && [ "$(wc -l <"$1")" -eq "$2" ]
}

# A process of which nothing runs any more; it may be a zombie.
is_gone() {
	! grep -qs . "/proc/$1/cmdline"
}

same() {
	[ "$1" = "$2" ] || {
		echo "'$1' is not '$2'" >&2
		return 1
	}
}

says() {
	grep -q -e "$2" "$1" || {
		echo "$1 does not say: $2" >&2
		return 1
	}
}

as() {
	user=$1
	shift
	case $user in
	alice) /usr/local/bin/setpriv --reuid 1000 --regid 1000 --clear-groups "$@" ;;
	bob) /usr/local/bin/setpriv --reuid 1001 --regid 1001 --clear-groups "$@" ;;
	esac
}

# Kills what is left of the test: all of its session but its own shell.
clean_up() {
	set +x
	for dir in /proc/[0-9]*; do
		pid=${dir#/proc/}
		read -r _ _ _ _ _ session _ 2>/dev/null <"$dir/stat" || continue
		[ "$session" != $$ ] || [ "$pid" = $$ ] || kill -9 "$pid" 2>/dev/null || :
	done
}
