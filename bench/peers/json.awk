# SPDX-License-Identifier: GPL-2.0-only
#
# Every figure of the runs as JSON.

BEGIN { FS = "\t"; print "{ \"figures\": [" }

FNR == 1 { run = FILENAME; sub(/.*\//, "", run); sub(/\.tsv$/, "", run) }

$1 == "figure" {
	unit = run == "two-cpus" && $5 == "instructions" ? "ns" : $5
	printf "%s  { \"run\": \"%s\", \"work\": \"%s\", \"peer\": \"%s\", \"size\": %s, " \
		"\"unit\": \"%s\", \"median\": %s, \"min\": %s, \"max\": %s, " \
		"\"ratio\": %s, \"ratio_min\": %s, \"ratio_max\": %s }",
		(nr++ ? ",\n" : ""), run, $2, $3, $4, unit, $6, $7, $8, $9, $10, $11
}

END { print "\n] }" }
