# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# muster group

# group: what was added is waited for, statuses come in order, the first failure counts
test_group() {
	muster group open --keep-going -n 2 "$k"
	muster group add "$k" /tmp/inside a
	muster group add "$k" /tmp/inside b
	# A third has to wait for its turn.
	muster group run "$k" sh -c 'exit 3' &
	third=$!
	soon has_waiters $third 1
	muster group wait "$k" >out 2>0.err &
	waiter=$!
	soon has_waiters $third 2
	has_lines inside 2
	touch go.a
	ended 3 $third
	touch go.b
	ended 3 $waiter
	same "$(sed 's/^[0-9]* //' out | tr '\n' ' ')" "done 0 done 0 failed 3 "
	muster group reset "$k"
	same "$(muster group wait "$k")" ""
}

# group: a task that is killed has failed, and the first failure cancels
test_group_killed() {
	muster group open "$k"
	muster group run "$k" /tmp/inside a 2>a.err &
	one=$!
	soon has_lines inside 1
	muster group run --stop "$k" sh -c 'echo x >>inside; until [ -e never ]; do usleep 20000; done' &
	two=$!
	soon has_lines inside 2
	kill -9 $one
	ended 137 $one
	ended 143 $two
	fails 1 muster group wait "$k" >out
	same "$(sed 's/^[0-9]* //' out | tr '\n' ' ')" "killed 0 failed 143 "
	read -r _ pid <inside
	is_gone "$pid"
	fails 1 muster group run "$k" true 2>0.err
	says 0.err "cancelled"
	fails 6 muster group run -E 6 "$k" true 2>0.err
	muster group reset "$k"
	muster group run "$k" true
	muster group cancel "$k"
	fails 1 muster group run "$k" true 2>0.err
}

# group: what tasks print is collected, in order
test_group_output() {
	muster group open -n 8 "$k"
	for i in 1 2 3 4; do
		muster group add --collect "$k" sh -c "until [ -e go.$i ]; do usleep 20000; done
			echo task $i; [ \$MUSTER_SLOT -gt 0 ]"
	done
	for i in 4 3 2 1; do
		touch go.$i
	done
	same "$(muster group wait --output "$k" | tr '\n' ' ')" "task 1 task 2 task 3 task 4 "
	muster group reset "$k"
	muster group add -c "$k" head -c 2000000 /dev/zero 2>0.err
	same "$(muster group wait -o "$k" 2>&1)" ""
	soon says 0.err "too long to be kept.*result_max" 2>/dev/null
}

# group: wait for successes, for a failure, not for ever
test_group_until() {
	muster group open --keep-going "$k"
	muster group add "$k" /tmp/inside a
	muster group run "$k" true
	muster group wait --successes 1 "$k" >out
	same "$(sed 's/^[0-9]* //' out | tr '\n' ' ')" "runs 0 done 0 "
	fails 124 muster group wait -t 20ms "$k"
	fails 1 muster group reset "$k"
	fails 5 muster group run "$k" sh -c 'exit 5'
	fails 5 muster group wait --failure "$k" >out
	touch go.a
	fails 5 muster group wait "$k" >out
	fails 1 muster group wait --successes 3 "$k" >out
}

# group: a task that waits for its own group, or for its own place, is told so
test_group_itself() {
	muster group open -n 1 --keep-going "$k"
	fails 125 muster group run "$k" muster group wait "$k" 2>0.err
	says 0.err "would wait for itself"
	fails 125 muster group run "$k" muster group run "$k" true 2>1.err
	says 1.err "would wait for itself"
	fails 124 muster group run "$k" muster group wait -t 20ms "$k"
}

# group: its name is there as long as the shell that has opened it
test_group_open() {
	fails 125 muster group wait "$k" 2>0.err
	says 0.err "muster group open"
	sh -c 'muster group open "$1"; touch opened; until [ -e go ]; do usleep 20000; done' \
		sh "$k" &
	soon test -e opened
	muster group run "$k" true
	same "$(muster group wait "$k" | sed 's/^[0-9]* //')" "done 0"
	touch go
	ended 0 $!
	soon fails 125 muster group wait "$k" 2>/dev/null
	# As long as another process.
	sleep 1000 &
	muster group open --while $! "$k"
	muster group wait "$k"
	kill -9 $!
	soon fails 125 muster group wait "$k" 2>/dev/null
}

# group open: what stays has nothing of the caller's but the group
test_group_open_background() {
	exec 9>kept
	bash -c 'muster group open -v "$1" 2>said; echo $$ $PPID >caller; until [ -e go ]; do
		usleep 20000; done' bash "$k" &
	caller=$!
	soon has_lines caller 1
	pid=$(sed -n 's/.*: process //p' said)
	same "$(readlink /proc/$pid/cwd)" /
	same "$(cut -d ' ' -f 6 /proc/$pid/stat)" "$pid"
	ls -l /proc/$pid/fd | sed -n 's/.*-> //p' >fds
	same "$(grep -c "^/dev/null\$" fds)" 3
	fails 1 grep -e kept -e said -e pipe fds
	exec 9>&-
	touch go
	ended 0 $caller
	soon is_gone "$pid"
}

# group open: a caller that has ended keeps nothing
test_group_open_orphan() {
	cat >orphan <<-'END'
		until grep -q "^PPid:[^0-9]*1$" /proc/$$/status; do
			usleep 20000
		done
		exec muster group open "$1"
	END
	sh -c 'sh orphan "$1" 2>said & :' sh "$k"
	soon has_lines said 1
	says said "calling process has ended: --while"
	fails 125 muster group wait "$k" 2>0.err
}
