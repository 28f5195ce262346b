# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# The command and the library have the same locks: library.c

# lock: the same as the library's mutex: one at a time, in order of arrival
test_library_mutex() {
	library mutex "$k" a 2>a.err &
	a=$!
	soon has_lines inside 1
	fails 1 muster lock --try "$k" true
	muster lock "$k" /tmp/inside b 2>b.err &
	b=$!
	soon has_waiters $a 1
	library mutex "$k" c 2>c.err &
	c=$!
	soon has_waiters $a 2
	fails 1 library try mutex "$k" x 2>0.err
	touch go.a
	ended 0 $a
	soon has_lines inside 2
	says inside "^b "
	fails 1 library try mutex "$k" x 2>0.err
	fails 1 muster lock --try "$k" true
	touch go.b
	ended 0 $b
	soon has_lines inside 3
	fails 1 muster lock --try "$k" true
	touch go.c
	ended 0 $c
	has_lines inside 3
	fails 1 grep abandoned inside
}

# lock: the death of who had it is told across
test_library_mutex_abandoned() {
	library mutex "$k" a 2>a.err &
	a=$!
	soon has_lines inside 1
	muster lock "$k" sh -c 'echo "$MUSTER_ABANDONED" >told; until [ -e go ]; do usleep 20000; done
		kill -9 $$' 2>b.err &
	b=$!
	soon has_waiters $a 1
	library mutex "$k" c 2>c.err &
	c=$!
	soon has_waiters $a 2
	kill -9 $a
	ended 137 $a
	soon has_lines told 1
	same "$(cat told)" 1
	touch go
	ended 137 $b
	soon has_lines inside 2
	says inside "^c .* abandoned"
	touch go.c
	ended 0 $c
}

# rwlock: the same as the library's: readers of both together, a writer of either alone
test_library_rwlock() {
	library read "$k" a 2>a.err &
	a=$!
	muster rwlock -r "$k" /tmp/inside b 2>b.err &
	b=$!
	soon has_lines inside 2
	fails 1 muster rwlock -w --try "$k" true
	fails 1 library try write "$k" x 2>0.err
	muster rwlock -w "$k" /tmp/inside c 2>c.err &
	c=$!
	soon has_waiters $a 1
	# Nobody overtakes a writer that waits.
	fails 1 library try read "$k" x 2>0.err
	library write "$k" d 2>d.err &
	d=$!
	soon has_waiters $a 2
	touch go.a go.b
	ended 0 $a
	ended 0 $b
	soon has_lines inside 3
	fails 1 library try read "$k" x 2>0.err
	touch go.c
	ended 0 $c
	soon has_lines inside 4
	fails 1 muster rwlock -r --try "$k" true
	fails 1 muster rwlock -w --try "$k" true
	touch go.d
	ended 0 $d
}

# sem: the same as the library's: they count together, and agree on the limit
test_library_sem() {
	library sem:2 "$k" a 2>a.err &
	a=$!
	soon has_lines inside 1
	fails 125 muster sem -n 3 "$k" true 2>0.err
	muster sem -n 2 "$k" /tmp/inside b 2>b.err &
	b=$!
	soon has_lines inside 2
	fails 1 library sem:3 "$k" x 2>0.err
	fails 1 library try sem:2 "$k" x 2>0.err
	fails 1 muster sem --try "$k" true
	library sem:2 "$k" c 2>c.err &
	c=$!
	soon has_waiters $a 1
	kill -9 $b
	ended 137 $b
	soon has_lines inside 3
	says inside "^c .* abandoned"
	touch go.a go.c
	ended 0 $a
	ended 0 $c
}

# lock: what the library calls another type is not the same
test_library_others() {
	library mutex "$k" a 2>a.err &
	a=$!
	soon has_lines inside 1
	fails 125 muster rwlock -r "$k" true 2>0.err
	says 0.err "another number"
	fails 1 library read "$k" x 2>1.err
	fails 1 muster sem -n 1 --try "$k" true
	touch go.a
	ended 0 $a
}
