# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# muster barrier

# barrier: all go on when all are there, each with its index, again and again
test_barrier() {
	for round in 1 2; do
		muster barrier -n 3 --index "$k" >out.1 2>1.err &
		one=$!
		soon has_waiters $one 1
		muster barrier -n 3 --index "$k" >out.2 2>2.err &
		two=$!
		soon has_waiters $one 2
		fails 125 muster barrier -n 4 "$k" 2>0.err
		says 0.err "another number"
		same "$(muster barrier -n 3 -i "$k")" 0
		ended 0 $one
		ended 0 $two
		same "$(cat out.1 out.2 | tr '\n' ' ')" "2 1 "
	done
}

# barrier: the last one runs the action, before all go on; if it fails all have its status
test_barrier_action() {
	muster barrier -n 2 "$k" -- sh -c 'echo 1 >>acted' &
	one=$!
	soon has_waiters $one 1
	fails 125 muster barrier -n 2 "$k" 2>0.err
	says 0.err "the others have an ACTION"
	muster barrier -n 2 "$k" -- sh -c 'echo 2 >>acted'
	ended 0 $one
	same "$(cat acted)" 2
	muster barrier -n 2 "$k" true 2>1.err &
	one=$!
	soon has_waiters $one 1
	fails 6 muster barrier -n 2 "$k" sh -c 'exit 6'
	ended 6 $one
	says 1.err "process [0-9]* ran the action, which failed"
}

# barrier: who waits too long ends with 124, or is killed, and the others with 1
test_barrier_broken() {
	muster barrier -n 3 "$k" 2>1.err &
	one=$!
	soon has_waiters $one 1
	muster barrier -n 3 "$k" 2>2.err &
	two=$!
	soon has_waiters $one 2
	kill -9 $one
	ended 137 $one
	ended 1 $two
	says 2.err "process $one was killed; 2 of 3 were there"
	muster barrier -n 3 "$k" 2>1.err &
	one=$!
	soon has_waiters $one 1
	# A deadline that has passed already would break nothing.
	while muster barrier -n 3 -t 30ms "$k" 2>2.err || [ $? = 124 ]; do
		[ -e /proc/$one/fdinfo ] || break
		! grep -qs . 1.err || break
	done
	ended 1 $one
	says 1.err "process [0-9]* waited too long"
	fails 125 muster barrier "$k" 2>0.err
	says 0.err "PARTIES is missing"
	fails 124 muster barrier -n 2 -t 20ms "$k"
}
