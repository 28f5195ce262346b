# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# muster flight, once, forget

# A command that says that it runs, waits until it may go on, prints, and ends with 7.
cat >/tmp/slow <<'END'
#!/bin/sh
echo $$ >>runs
until [ -e go ]; do usleep 20000; done
echo "the answer of $$"
exit 7
END
chmod 755 /tmp/slow 2>/dev/null || :

# Followers of the process $leader: five, their output in out.N.
five_follow() {
	followers=
	for i in 1 2 3 4 5; do
		muster flight "$@" >out.$i 2>$i.err &
		followers="$followers $!"
	done
	soon has_waiters "$leader" 5
}

# flight: one runs the command, all print the same and exit with its status
test_flight_concurrent() {
	muster flight "$k" -- /tmp/slow >out.0 2>0.err &
	leader=$!
	soon has_lines runs 1
	five_follow "$k" -- /tmp/slow
	touch go
	for pid in $leader $followers; do
		ended 7 "$pid"
	done
	has_lines runs 1
	same "$(cat out.0)" "the answer of $(cat runs)"
	for i in 1 2 3 4 5; do
		cmp out.0 out.$i
	done
	# What is over is over.
	fails 7 muster flight "$k" /tmp/slow >out.6
	has_lines runs 2
}

# flight: --verbose says who leads, since when, and how long one has waited
test_flight_verbose() {
	muster flight --verbose "$k" /tmp/slow >out.0 2>0.err &
	leader=$!
	soon has_lines runs 1
	muster flight --verbose "$k" /tmp/slow >out.1 2>1.err &
	follower=$!
	soon has_waiters $leader 1
	says 0.err "$k: this process leads"
	says 1.err "$k: process $leader (muster) leads, for [0-9.]*[a-z]* now: waiting for it\$"
	muster flight -v "$k" true >out.2 2>2.err &
	second=$!
	soon has_waiters $leader 2
	says 2.err "waiting for it, as does 1 other\$"
	touch go
	ended 7 $leader
	ended 7 $follower
	ended 7 $second
	says 0.err "$k: done, exit status 7, for 2 others\$"
	says 1.err "$k: another process led, waited [0-9.]*[a-z]*, as did 1 other\$"
	muster flight -v "$k" true 2>3.err
	says 3.err "$k: done, exit status 0\$"
}

# flight: if the one that runs it is killed, its command is dead before another runs it
test_flight_killed() {
	cat >alone <<-'END'
		#!/bin/sh
		if [ -e last ] && grep -qs . "/proc/$(cat last)/cmdline"; then
			echo "$(cat last) lives" >>overlap
		fi
		echo $$ >last
		exec /tmp/slow
	END
	chmod 755 alone
	muster flight "$k" ./alone >out.0 2>0.err &
	leader=$!
	soon has_lines runs 1
	five_follow "$k" ./alone
	for round in 1 2 3; do
		kill -9 "$leader"
		ended 137 "$leader"
		soon has_lines runs $((round + 1))
		is_gone "$(sed -n ${round}p runs)"
		# Who leads now is the parent of the last that runs.
		leader=$(awk '/^PPid/ { print $2 }' "/proc/$(tail -n 1 runs)/status")
	done
	touch go
	for pid in $followers; do
		wait "$pid" && return 1 || status=$?
		[ "$status" = 137 ] || [ "$status" = 7 ]
	done
	[ ! -e overlap ]
	same "$(cat out.1 out.2 out.3 out.4 out.5)" \
		"$(for i in 1 2 3; do echo "the answer of $(tail -n 1 runs)"; done)"
}

# flight: too many that were killed over it, and it is given up
test_flight_too_many() {
	cat >deadly <<-'END'
		#!/bin/sh
		echo $$ >>runs
		until [ -e go ]; do usleep 20000; done
		kill -9 $PPID
		until [ -e never ]; do usleep 20000; done
	END
	chmod 755 deadly
	muster flight "$k" ./deadly >out.0 2>0.err &
	leader=$!
	soon has_lines runs 1
	five_follow "$k" ./deadly
	touch go
	ended 137 "$leader"
	for pid in $followers; do
		wait "$pid" || echo $? >>statuses
	done
	same "$(sort statuses | uniq -c | awk '{ print $2 "x" $1 }' | tr '\n' ' ')" "125x2 137x3 "
	has_lines runs 4
	cat ./*.err | grep -q "each process that ran CMD was killed"
}

# flight: output of any size, from none to 10 MB, the same for all
test_flight_sizes() {
	for size in 0 1 65535 65536 65537 1100000 10000000; do
		rm -f go runs out.*
		cat >big <<-END
			#!/bin/sh
			echo \$\$ >>runs
			until [ -e go ]; do usleep 20000; done
			head -c $size /dev/urandom
			exit 3
		END
		chmod 755 big
		muster flight "$k" ./big >out.0 2>0.err &
		leader=$!
		soon has_lines runs 1
		five_follow "$k" ./big
		touch go
		for pid in $leader $followers; do
			ended 3 "$pid"
		done
		same "$(wc -c <out.0)" "$size"
		for i in 1 2 3 4 5; do
			cmp out.0 out.$i
		done
		has_lines runs 1
	done
}

# flight, group: a stdout that is O_NONBLOCK and full is waited for
test_flight_nonblock() {
	long='head -c 600000 /dev/zero; exit 4'
	fails 4 odd nonblock muster flight "$k" sh -c "$long" >out
	same "$(cat out)" 600000
	fails 4 muster flight --keep 1h --keep-failure "$k" sh -c "$long" >out
	fails 4 odd nonblock muster flight "$k" true >out
	same "$(cat out)" 600000
	muster group open -n 8 "$k"
	for i in 1 2 3 4; do
		muster group run --collect "$k" head -c 60000 /dev/zero
	done
	same "$(odd nonblock muster group wait -o "$k")" 240000
}

# flight: exit statuses: of the command, of its signal, 126 and 127
test_flight_statuses() {
	fails 0 muster flight "$k" true
	fails 1 muster flight "$k" false
	fails 255 muster flight "$k" sh -c 'exit 255'
	fails 137 muster flight "$k" sh -c 'kill -9 $$'
	fails 143 muster flight "$k" sh -c 'kill -15 $$'
	fails 127 muster flight "$k" ./nothing 2>0.err
	says 0.err "cannot run ./nothing"
	fails 126 muster flight "$k" / 2>0.err
	fails 125 muster flight 2>0.err
	says 0.err "KEY is missing"
	fails 125 muster flight "$k" 2>0.err
	says 0.err "CMD is missing"
	fails 125 muster flight --keep 1x "$k" true 2>0.err
	says 0.err "1x: not a time"
	fails 125 muster flight --nonsense "$k" true 2>0.err
	fails 125 muster flight "$k" more -- true 2>0.err
	says 0.err "more: what is that"
}

# flight: options and -- in any place
test_flight_dashes() {
	same "$(muster flight "$k" echo -n --keep x)" "--keep x"
	same "$(muster flight "$k" -- echo a -- b)" "a -- b"
	same "$(muster flight "$k" --keep 1h -- echo a)" a
	same "$(muster flight "$k" -- echo b)" a
	same "$(muster flight --group=-g --keep=1h -- -- 2>&1 || echo $?)" \
		"$(muster flight --group=-g --keep=1h -- -- 2>&1 || echo $?)"
	same "$(muster flight --group g.1 "$k" -- sh -c 'echo $1' -- x)" x
}

# flight: stderr is the leader's, live; what others print on stdout comes at the end
test_flight_stderr() {
	muster flight "$k" sh -c 'echo early >&2; echo late; /tmp/slow' >out.0 2>0.err &
	leader=$!
	soon has_lines runs 1
	same "$(cat 0.err)" early
	same "$(cat out.0)" ""
	muster flight "$k" true >out.1 2>1.err &
	soon has_waiters "$leader" 1
	touch go
	ended 7 "$leader"
	ended 7 $!
	same "$(cat 1.err)" ""
	same "$(head -n 1 out.1)" late
	cmp out.0 out.1
}

# flight: what the command leaves in the background keeps nobody waiting
test_flight_background() {
	same "$(muster flight "$k" sh -c 'echo a; tail -f /dev/null & echo b' | tr '\n' ' ')" "a b "
}

# flight: signals reach the command; who is to end leaves the work to another
test_flight_signals() {
	cat >polite <<-'END'
		#!/bin/sh
		trap 'echo usr1 >>seen' USR1
		trap 'echo term >>seen; exit 5' TERM
		echo $$ >>runs
		until [ -e go ]; do usleep 20000; done
		echo done
	END
	chmod 755 polite
	muster flight -v "$k" ./polite >out.0 2>0.err &
	leader=$!
	soon has_lines runs 1
	muster flight -v "$k" ./polite >out.1 2>1.err &
	follower=$!
	soon has_waiters "$leader" 1
	kill -USR1 "$leader"
	soon has_lines seen 1
	kill -TERM "$leader"
	ended 5 "$leader"
	same "$(tr '\n' ' ' <seen)" "usr1 term "
	says 0.err "another process takes over"
	soon has_lines runs 2
	touch go
	ended 0 "$follower"
	same "$(cat out.1)" "done"
	says 1.err "since 1 before it died or gave up"
}

# flight: a signal that muster was started to ignore does not make it give up
test_flight_ignored() {
	(trap '' INT && exec muster flight "$k" /tmp/slow) >out.0 2>0.err &
	leader=$!
	soon has_lines runs 1
	muster flight "$k" /tmp/slow >out.1 2>1.err &
	follower=$!
	soon has_waiters "$leader" 1
	kill -INT "$leader"
	touch go
	ended 7 "$leader"
	ended 7 "$follower"
	has_lines runs 1
	cmp out.0 out.1
}

# flight: a follower that is killed, or waits too long, leaves the others alone
test_flight_timeout() {
	muster flight "$k" /tmp/slow >out.0 2>0.err &
	leader=$!
	soon has_lines runs 1
	fails 124 muster flight --timeout 20ms "$k" true
	fails 9 muster flight --timeout 0.02 -E 9 "$k" true
	fails 0 muster flight -t 20ms --conflict-exit-code 0 "$k" false
	fails 1 muster flight --no-follow "$k" true
	fails 75 muster flight --no-follow -E 75 "$k" true
	muster flight -v "$k" true >out.1 2>1.err &
	soon has_waiters "$leader" 1
	says 1.err "waiting for it"
	kill -9 $!
	soon has_waiters "$leader" 0
	fails 0 muster flight other true
	touch go
	ended 7 "$leader"
	has_lines runs 1
}

# flight: a CMD that asks for its own key is told so
test_flight_itself() {
	fails 125 muster flight "$k" sh -c 'muster flight "$1" true; exit $?' sh "$k" 2>0.err
	says 0.err "would wait for itself"
	fails 9 muster flight "$k" muster flight -t 20ms -E 9 "$k" true 2>1.err
	muster flight "$k" muster flight "$k.2" echo other >out
	same "$(cat out)" other
}

# flight: --forget-after: who comes later does not wait
test_flight_forget_after() {
	muster flight --forget-after 1ms "$k" /tmp/slow >out.0 2>0.err &
	leader=$!
	soon has_lines runs 1
	usleep 2000
	same "$(muster flight "$k" echo other)" other
	same "$(cat out.0)" ""
	touch go
	ended 7 "$leader"
}

# flight: what is kept is there for commands that run later
test_flight_keep() {
	count='echo x >>runs; wc -l <runs'
	same "$(muster flight --keep 1h "$k" sh -c "$count")" 1
	same "$(muster flight "$k" sh -c "$count")" 1
	same "$(muster flight -v "$k" sh -c "$count" 2>0.err)" 1
	says 0.err "kept, .* old"
	same "$(muster flight --fresh --keep 1h "$k" sh -c "$count")" 2
	same "$(muster flight "$k" sh -c "$count")" 2
	muster forget "$k"
	fails 1 muster forget "$k"
	same "$(muster flight "$k" sh -c "$count")" 3
	same "$(muster flight "$k" sh -c "$count")" 4
	# Failures are, if that is asked for.
	fails 1 muster flight --keep 1h "$k" sh -c "$count; false"
	fails 0 muster flight --keep 10ms "$k" sh -c "$count" >out
	same "$(cat out)" 6
	usleep 10000
	fails 1 muster flight --keep 1h --keep-failure "$k" sh -c "$count; false" >out
	fails 1 muster flight "$k" true >out
	same "$(cat out)" 7
}

# flight: --keep-failure where nothing is kept loses no answer
test_flight_keep_failure_alone() {
	fails 3 muster flight --keep-failure "$k" sh -c 'echo a; exit 3' >out
	same "$(cat out)" a
	fails 3 muster once --for 0 --keep-failure "$k" sh -c 'echo b; exit 3' >out
	same "$(cat out)" b
}

# flight: an answer that is too long to be kept is given all the same
test_flight_too_long_to_keep() {
	max=/sys/module/muster/parameters/bytes_max
	was=$(cat $max)
	echo 4096 >$max
	muster flight --keep 1h --keep-failure "$k" sh -c 'head -c 60000 /dev/zero; exit 3' \
		>out 2>0.err || got=$?
	echo "$was" >$max
	same "$got" 3
	same "$(wc -c <out)" 60000
	says 0.err "too long to be kept; .*bytes_max"
}

# flight: what is kept is there for long output, too
test_flight_keep_long() {
	muster flight --keep 1h "$k" sh -c 'head -c 3000000 /dev/urandom' >out.0
	muster flight "$k" true >out.1
	same "$(wc -c <out.1)" 3000000
	cmp out.0 out.1
}

# flight: --stale: while one refreshes, others have the old answer at once
test_flight_stale() {
	same "$(muster flight --keep 1ms --stale 1h "$k" echo old)" old
	usleep 1000
	muster flight --keep 1h "$k" /tmp/slow >out.0 2>0.err &
	soon has_lines runs 1
	same "$(muster flight -v "$k" echo wrong 2>1.err)" old
	says 1.err "stale: another process refreshes it"
	touch go
	ended 7 $!
	fails 125 muster flight --stale 1h "$k" true 2>0.err
}

# flight: users meet by a group that lets them, and nowhere else
test_flight_users() {
	same "$(as alice muster flight --keep 1h "$k" echo alice)" alice
	same "$(as bob muster flight --keep 1h "$k" echo bob)" bob
	same "$(as alice muster flight --keep 1h --group open --mode 666 "$k" echo alice)" alice
	same "$(as bob muster flight --group open "$k" echo bob)" alice
	same "$(as alice muster flight --keep 1h --group shut "$k" echo alice)" alice
	fails 125 as bob muster flight --group shut "$k" echo bob 2>0.err
	says 0.err "no permission"
	says 0.err "mode 666"
	same "$(muster flight --group shut "$k" echo root)" alice
}

# once: what was done is not done again, until it is forgotten, and failing is not done
test_once() {
	fails 1 muster once "$k" sh -c 'echo x >>runs; false'
	same "$(muster once "$k" sh -c 'echo x >>runs; echo did')" did
	same "$(muster once "$k" sh -c 'echo x >>runs; echo again')" did
	has_lines runs 2
	muster forget --group '~once' "$k"
	same "$(muster once --for forever "$k" echo ever)" ever
	same "$(muster once "$k" echo again)" ever
	muster forget --group '~once' "$k"
	same "$(muster once --for 1ms "$k" echo new)" new
	usleep 1000
	same "$(muster once "$k" echo newer)" newer
}

# without_device COMMAND...: as in a container that was not given it
without_device() {
	mv /dev/muster /dev/muster.away
	got=0
	"$@" || got=$?
	mv /dev/muster.away /dev/muster
	return $got
}

# without_module COMMAND...: as if it was not loaded
without_module() {
	mount -t tmpfs tmpfs /sys/module
	got=0
	without_device "$@" || got=$?
	umount /sys/module
	return $got
}

# errors: what a user has too many of, and what can be raised
test_errors_limits() {
	muster flight "$k" /tmp/slow >out.0 2>0.err &
	leader=$!
	soon has_lines runs 1
	max=/sys/module/muster/parameters/calls_max
	was=$(cat $max)
	echo 1 >$max
	muster flight "$k.2" true 2>1.err || got=$?
	echo "$was" >$max
	same "$got" 125
	says 1.err "too many flights and tasks; root can raise $max\$"
	max=/sys/module/muster/parameters/objects_max
	was=$(cat $max)
	echo 1 >$max
	muster lock "$k" true 2>2.err || got=$?
	echo "$was" >$max
	same "$got" 125
	says 2.err "too many objects; root can raise $max\$"
	touch go
	ended 7 $leader
}

# errors say what to do: the device's mode, and a name that is in use otherwise
test_errors() {
	chmod 600 /dev/muster
	fails 125 as alice muster flight "$k" true 2>0.err || { chmod 666 /dev/muster; return 1; }
	chmod 666 /dev/muster
	says 0.err "/dev/muster has mode 600"
	without_device muster lock "$k" true 2>1.err || same $? 125
	without_device muster ls 2>2.err || same $? 125
	without_device sh -c 'touch /dev/muster; muster ls' 2>3.err || same $? 125
	without_module muster ls 2>4.err || same $? 125
	says 1.err "loaded, but there is no /dev/muster here; a container"
	says 2.err "loaded, but there is no /dev/muster here; a container"
	says 3.err "/dev/muster is something else"
	says 4.err "modprobe muster"
	says 0.err "chmod 666"
	fails 125 muster nonsense 2>0.err
	says 0.err "no such command"
	muster flight "$k" true >/dev/full
	fails 125 muster flight "$k" echo a >/dev/full 2>0.err
	says 0.err "cannot write to stdout: No space left on device"
	fails 125 muster ls --json >/dev/full 2>1.err
	says 1.err "cannot write to stdout: No space left on device"
	muster flight --keep 1h "$k" echo a >out
	fails 125 muster flight "$k" echo a >/dev/full 2>2.err
	says 2.err "cannot write to stdout: No space left on device"
	muster --help >out
	says out "flight"
}

# options: what has no effect is refused, and errors begin as all do
test_options() {
	refuses() {
		text=$1
		shift
		fails 125 muster "$@" 2>0.err
		same "$(head -n 1 0.err)" "muster $1: $text"
		same "$(grep -c -e '^usage: muster ' -e '^muster .* --help tells more' 0.err)" 2
		has_lines 0.err 3
	}
	refuses "--nonsense: no such option here" flight --nonsense=3 "$k" true
	refuses "-Z: no such option here" flight --fresh -vZv "$k" true
	refuses "--keep: it needs a value" flight --keep
	refuses "-t: it needs a value" lock -t
	refuses "--fresh: it takes no value" flight --fresh=x "$k" true
	refuses "--f: no such option here" flight --f "$k" true
	refuses "--for: no such option here" flight --for 1h "$k" true
	refuses "--time: no such option here" lock --time=1h "$k" true
	refuses "--keep: no such option here" forget --keep 1h "$k"
	refuses "--no-follow: no such option here" once --no-follow "$k" true
	refuses "--keep: no such option here" once --keep 1h "$k" true
	refuses "-t: no such option here" ls -t 1
	refuses "-E: no such option here" version -E 3
	refuses "--weight: no such option here" lock --weight 2 "$k" true
	refuses "--collect: no such option here" group wait --collect "$k"
	refuses "-n: no such option here" group cancel -n 3 "$k"
	refuses "--timeout: no such option here" group open --timeout 1s "$k"
	refuses "--resize goes with -n and nothing else: no CMD is run" sem --resize -n 2 -w 1 "$k"
	refuses "0: there are at least 10ms from one table to the next" top -d 0
	muster group --help >out
	says out "usage: muster group"
}

# version: the command's own is told whatever is the matter with the module
test_version() {
	version=$(cat /sys/module/muster/version)
	muster --version >out
	says out "^muster [0-9.]*, interface version [0-9]*$"
	says out "^kernel module $version: interface version [0-9]*, results"
	muster version >out.2
	cmp out out.2
	fails 125 muster version >/dev/full 2>0.err
	chmod 600 /dev/muster
	as alice muster --version >out || { chmod 666 /dev/muster; return 1; }
	chmod 666 /dev/muster
	says out "^muster [0-9.]*, interface"
	says out "^kernel module $version: no permission"
	without_module muster --version >out 2>1.err
	says out "^muster [0-9.]*, interface"
	says out "^kernel module.*: not loaded; load it, as root: modprobe muster"
	has_lines 1.err 0
}

# times: as timeout(1) takes them, and nothing else
test_durations() {
	for time in 0 1 250ms 1.5s 90s 10m 5min 2h 1d .5 3. 1us 7ns 99999999999d forever; do
		muster lock --timeout "$time" "$k" true
	done
	for time in "" . x 1x -1 +1 0x10 1e3 ms s 1.2.3 nan inf "1 s" 1,5 forevers; do
		fails 125 muster lock --timeout "$time" "$k" true 2>0.err
		says 0.err "not a time"
	done
}
