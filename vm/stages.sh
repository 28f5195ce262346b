# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the test scripts share: stages, and the sum at the end. Each stage reports
# its tests as lines "ok - NAME" and "not ok - NAME"; a stage that fails without
# such a line counts as one failed test.

# start_stages LOG: all output is kept there.
start_stages() {
	results=$1
	mkdir -p "${results%/*}"
	: >"$results"
}

# stage NAME COMMAND...
stage() {
	local name=$1 status=0 log=$results.stage start=$SECONDS
	shift
	echo "== $name"
	"$@" 2>&1 | tee "$log" || status=$?
	if [ "$status" -ne 0 ] && ! grep -q '^not ok' "$log"; then
		echo "not ok - $name: status $status" | tee -a "$log"
	fi
	cat "$log" >>"$results"
	echo "== $name took $((SECONDS - start)) s"
}

# aside NAME COMMAND...: as stage, beside those that follow. sum_up waits for it, and
# shows what it said.
asides=()
aside() {
	local log=$results.aside${#asides[@]}
	echo "== $1 begins, beside the others"
	asides+=("$log")
	(start_stages "$log.results" && stage "$@") >"$log" 2>&1 &
}

# The last line is "N passed, N failed".
sum_up() {
	local log
	wait
	for log in ${asides[@]+"${asides[@]}"}; do
		cat "$log"
		cat "$log.results" >>"$results"
	done
	awk '
		/^ok - .*# SKIP/ { skipped++; next }
		/^ok - / { passed++ }
		/^not ok - / { failed++; list = list "\n" $0 }
		END {
			if (list)
				print "\nfailed:" list
			if (skipped)
				printf "%d skipped, as this kernel cannot run them\n", skipped
			printf "%d passed, %d failed\n", passed, failed
			exit failed > 0 || !passed
		}' "$results" | tee -a "$results"
}
