# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# muster sem, lock, rwlock

# A command that counts itself in running, and waits until go.$1 is there.
cat >/tmp/inside <<'END'
#!/bin/sh
echo "$1 $$" >>inside
until [ -e "go.$1" ]; do usleep 20000; done
echo "$1" >>outside
END
chmod 755 /tmp/inside 2>/dev/null || :

# sem: so many at a time, first come, first served, by weight
test_sem_limit() {
	muster sem -n 3 "$k" /tmp/inside a 2>a.err &
	a=$!
	muster sem -n 3 -w 2 "$k" -- /tmp/inside b 2>b.err &
	b=$!
	soon has_lines inside 2
	muster sem -n 3 -w 2 "$k" /tmp/inside c 2>c.err &
	c=$!
	soon has_waiters $a 1
	muster sem "$k" /tmp/inside d 2>d.err &
	d=$!
	soon has_waiters $a 2
	# One permit is free, but c is first.
	touch go.a
	ended 0 $a
	fails 1 muster sem --try "$k" true
	has_lines inside 2
	touch go.b
	soon has_lines inside 4
	touch go.c go.d
	ended 0 $b
	ended 0 $c
	ended 0 $d
}

# sem: the place of one that is killed is free when its command is dead
test_sem_killed() {
	muster sem -n 1 "$k" /tmp/inside a 2>a.err &
	a=$!
	soon has_lines inside 1
	muster sem "$k" sh -c 'read -r _ pid <inside; ! grep -qs . /proc/$pid/cmdline' 2>b.err &
	soon has_waiters $a 1
	kill -9 $a
	ended 137 $a
	ended 0 $!
}

# sem: a command that would outlive muster is killed first, then its place is free
test_sem_guard() {
	muster sem -n 1 "$k" /usr/local/bin/setpriv --pdeathsig clear /tmp/inside a 2>a.err &
	a=$!
	soon has_lines inside 1
	muster sem "$k" sh -c 'read -r _ pid <inside; ! grep -qs . /proc/$pid/cmdline' 2>b.err &
	soon has_waiters $a 1
	kill -9 $a
	ended 137 $a
	ended 0 $!
}

# sem: the guard may be killed, and nothing is lost
test_sem_guard_killed() {
	muster sem -n 1 "$k" /tmp/inside a 2>a.err &
	a=$!
	soon has_lines inside 1
	read -r first second </proc/$a/task/$a/children || [ -n "$second" ]
	for pid in $first $second; do
		[ "$(cat "/proc/$pid/comm")" != muster ] || kill -9 "$pid"
	done
	fails 1 muster sem --try "$k" true
	touch go.a
	ended 0 $a
	fails 125 muster sem --try "$k" true 2>0.err
	says 0.err "-n says how many"
}

# sem: all killed at once, and nothing is left
test_sem_all_killed() {
	setsid muster sem -n 1 "$k" /tmp/inside a 2>a.err &
	soon has_lines inside 1
	read -r _ pid <inside
	leader=$(awk '/^PPid/ { print $2 }' "/proc/$pid/status")
	kill -9 "-$leader"
	soon muster sem -n 1 --timeout 10m "$k" true
	soon is_gone "$pid"
}

# sem: --try, --timeout, exit statuses, and what is not a limit
test_sem_statuses() {
	fails 3 muster sem -n 2 "$k" sh -c 'exit 3'
	fails 137 muster sem -n 2 "$k" sh -c 'kill -9 $$'
	fails 127 muster sem -n 2 "$k" ./nothing 2>0.err
	fails 126 muster sem -n 2 "$k" / 2>0.err
	muster sem -n 1 "$k" /tmp/inside a 2>a.err &
	soon has_lines inside 1
	fails 1 muster sem -T "$k" true
	fails 8 muster sem --try --conflict-exit-code 8 "$k" true
	fails 124 muster sem --timeout 20ms "$k" true
	fails 8 muster sem -t 20ms -E8 "$k" true
	fails 125 muster sem -n 2 "$k" true 2>0.err
	says 0.err "another number"
	fails 125 muster sem -w 2 "$k" true 2>0.err
	says 0.err "not so many"
	fails 125 muster sem -n 0 "$k" true 2>0.err
	says 0.err "not a number from 1"
	touch go.a
	ended 0 $!
}

# sem: --resize, and --verbose tells who has it
test_sem_resize() {
	muster sem -n 1 "$k" /tmp/inside a 2>a.err &
	a=$!
	soon has_lines inside 1
	muster sem -v "$k" /tmp/inside b 2>b.err &
	soon has_waiters $a 1
	says b.err "process $a (muster) has 1 of 1"
	says b.err "$k: waiting\$"
	muster sem --resize -n 2 "$k"
	soon has_lines inside 2
	says b.err "granted after"
	touch go.a go.b
	ended 0 $a
	ended 0 $!
}

# lock: one at a time, whichever of the four ways a signal takes
test_lock_signals() {
	cat >polite <<-'END'
		#!/bin/sh
		trap 'echo hup >>seen' HUP
		trap 'exit 4' TERM
		echo x >>inside
		until [ -e never ]; do usleep 20000; done
	END
	chmod 755 polite
	muster lock "$k" ./polite 2>a.err &
	a=$!
	soon has_lines inside 1
	fails 1 muster lock --try "$k" true
	kill -HUP $a
	soon has_lines seen 1
	kill -TERM $a
	ended 4 $a
	# Who waits just ends.
	muster lock "$k" /tmp/inside a 2>a.err &
	a=$!
	soon has_lines inside 2
	muster lock "$k" true 2>b.err &
	soon has_waiters $a 1
	kill -TERM $!
	ended 143 $!
	touch go.a
	ended 0 $a
}

# lock: that the terminal has gone reaches the command, and muster waits for it
test_lock_terminal() {
	cat >polite <<-'END'
		#!/bin/sh
		trap 'echo hup >>seen' HUP
		echo x >>inside
		until [ -e go ]; do usleep 20000; done
		echo y >>outside
	END
	chmod 755 polite
	# Not by keys: what init has started ignores SIGINT.
	SHELL=/bin/sh /usr/local/bin/script -qc "exec muster lock $k ./polite" typescript \
		</dev/null >a.err 2>&1 &
	soon has_lines inside 1
	kill -9 $!
	soon has_lines seen 1
	fails 1 muster lock --try "$k" true
	touch go
	muster lock --timeout 10m "$k" true
	has_lines outside 1
	has_lines seen 1
}

# lock: an alarm that muster was started with reaches the command
test_lock_alarm() {
	odd alarm muster lock "$k" odd sigwait >out 2>a.err &
	soon has_lines out 1
	ended 0 $!
}

# lock: the next one is told if a command was killed; a failure is none
test_lock_abandoned() {
	env='echo $MUSTER_ABANDONED $MUSTER_TOKEN'
	muster lock "$k" /tmp/inside hold 2>a.err &
	a=$!
	soon has_lines inside 1
	muster lock "$k" sh -c 'kill -9 $$' 2>b.err &
	b=$!
	soon has_waiters $a 1
	muster lock "$k" sh -c "$env; exit 1" >out.1 2>c.err &
	c=$!
	soon has_waiters $a 2
	muster lock "$k" sh -c "$env" >out.2 2>d.err &
	d=$!
	soon has_waiters $a 3
	touch go.hold
	ended 0 $a
	ended 137 $b
	ended 1 $c
	ended 0 $d
	read -r abandoned first <out.1
	same "$abandoned" 1
	read -r abandoned second <out.2
	same "$abandoned" 0
	[ "$second" -gt "$first" ]
}

# lock: --no-fork: the command itself has it
test_lock_no_fork() {
	muster lock -F "$k" /tmp/inside a 2>a.err &
	a=$!
	soon has_lines inside 1
	same "$(cat inside)" "a $a"
	fails 1 muster lock --try "$k" true
	kill -9 $a
	ended 137 $a
	muster lock -t 10m "$k" true
	fails 127 muster lock --no-fork "$k" ./nothing 2>0.err
}

# lock: --no-fork: where CMD cannot be run nothing has been left undone
test_lock_no_fork_none() {
	muster lock "$k" /tmp/inside a 2>a.err &
	a=$!
	soon has_lines inside 1
	muster lock -F "$k" ./nothing 2>b.err &
	b=$!
	soon has_waiters $a 1
	muster lock "$k" sh -c 'echo $MUSTER_ABANDONED' >out 2>c.err &
	c=$!
	soon has_waiters $a 2
	touch go.a
	ended 0 $a
	ended 127 $b
	ended 0 $c
	same "$(cat out)" 0
}

# lock, flight: who runs a CMD that is killed dies the same way, once all is done
test_lock_dies_alike() {
	cat >script <<-'END'
		muster lock "$1" sh -c 'kill -TERM $$'
		echo $?
		muster flight --keep 1h --keep-failure "$1" sh -c 'echo a; kill -USR1 $$'
		echo $?
		echo -- >&2
		muster flight "$1" true
		echo $?
	END
	bash script "$k" >out 2>0.err
	same "$(tr '\n' ' ' <out)" "143 a 138 a 138 "
	same "$(sed 's/^.*line //; s/muster.*//' 0.err | tr -s ' \n' ' ' |
		sed 's/[0-9]*: [0-9]* //g')" "Terminated User defined signal 1 -- "
	# Without a core of its own.
	(ulimit -c unlimited && fails 139 muster lock "$k" sh -c 'ulimit -c 0; kill -SEGV $$')
	same "$(ls | grep core)" ""
}

# lock, flight: streams that are closed
test_lock_closed_streams() {
	muster flight "$k" sh -c 'echo hello' >&-
	muster flight "$k" sh -c 'echo hello >&2' 2>&-
	same "$(muster flight "$k" sh -c 'cat; echo hello' <&-)" hello
	muster lock -v "$k" true 2>&-
	muster lock "$k" sh -c 'fds=$(for i in 0 1 2; do readlink /proc/$$/fd/$i; done)
		echo "$fds" >fds' <&- >&- 2>&-
	same "$(tr '\n' ' ' <fds)" "/dev/null /dev/null /dev/null "
}

# lock, sem, rwlock: a CMD that asks for what it has is told so; in the background it may
test_lock_itself() {
	fails 125 muster lock "$k" sh -c 'muster lock "$1" true; exit $?' sh "$k" 2>0.err
	says 0.err "would wait for itself"
	fails 125 muster lock -F "$k" muster lock "$k" true 2>1.err
	says 1.err "would wait for itself"
	fails 125 muster sem -n 3 -w 2 "$k.3" muster sem -w 2 "$k.3" true 2>2.err
	muster sem -n 3 -w 2 "$k.3" muster sem "$k.3" echo one >out
	same "$(cat out)" one
	fails 125 muster rwlock -r "$k.r" muster rwlock -w "$k.r" true 2>3.err
	muster rwlock -r "$k.r" muster rwlock -r "$k.r" true
	fails 1 muster lock "$k" muster lock --try "$k" true
	fails 124 muster lock "$k" muster lock -t 20ms "$k" true
	muster lock "$k" sh -c 'muster lock -t forever "$1" sh -c "echo x >>later" &' sh "$k"
	soon has_lines later 1
}

# rwlock: readers together, a writer alone, and nobody overtakes one that waits
test_rwlock() {
	muster rwlock -r "$k" /tmp/inside a 2>a.err &
	a=$!
	muster rwlock --read "$k" -- /tmp/inside b 2>b.err &
	b=$!
	soon has_lines inside 2
	fails 1 muster rwlock -w --try "$k" true
	muster rwlock -w "$k" /tmp/inside w 2>w.err &
	w=$!
	soon has_waiters $a 1
	fails 1 muster rwlock -r --try "$k" true
	touch go.a go.b
	ended 0 $a
	ended 0 $b
	soon has_lines inside 3
	fails 1 muster rwlock -r --try "$k" true
	touch go.w
	ended 0 $w
	fails 125 muster rwlock "$k" true 2>0.err
	says 0.err "-r or -w is missing"
	fails 125 muster lock "$k" true 2>0.err && return 0
	# Nobody has it any more, so that it may be something else.
	muster lock "$k" true
}

# lock: a semaphore of one is the same; users need the mode
test_lock_users() {
	as alice muster lock "$k" /tmp/inside a 2>a.err &
	soon has_lines inside 1
	fails 125 as bob muster lock "$k" true 2>0.err
	says 0.err "no permission"
	fails 1 muster sem -n 1 --try "$k" true
	as bob muster lock "~$k" true
	touch go.a
	ended 0 $!
	umask 077
	as alice muster lock --mode 666 "$k.m" /tmp/inside b 2>b.err &
	soon has_lines inside 2
	fails 1 as bob muster lock --try "$k.m" true
	touch go.b
	ended 0 $!
}
