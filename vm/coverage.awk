#!/usr/bin/awk -f
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: awk -f vm/coverage.awk [-v least=PERCENT] EXPLAINED GCOV...
#
# Judges which lines of the module were run. GCOV is what gcov -t prints for all its
# objects: a line of a header is in many of them, and counts once; it is covered if
# it was run in any. EXPLAINED says of lines that are not covered why, one by one:
#
#	FILE FUNCTION: TEXT OF THE LINE
#		why it cannot be run
#
# Where the reason begins with "Race:" it takes two that meet within a few
# instructions: such a line may be covered in one run and not in the next.
#
# Prints the coverage of each file, and "ok - " or "not ok - " for each of the three
# things that must hold. Ends with failure if one does not.

function verdict(good, name) {
	print (good ? "ok" : "not ok") " - coverage: " name
	failed += !good
}

function percent(covered, all) {
	return sprintf("%6.2f %% (%d of %d lines)", 100 * covered / all, covered, all)
}

function strip(text) {
	gsub(/^[ \t]+|[ \t]+$/, "", text)
	return text
}

# ---- what is explained ----

FILENAME == ARGV[1] {
	if (/^#/ || /^$/)
		next
	if (/^\t/) {
		if (!reason[key])
			race[key] = /^\tRace: /
		reason[key] = 1
		next
	}
	key = $0
	explained[key]++
	order[++nr_explained] = key
	next
}

# ---- what was run ----

{
	# COUNT:LINE:TEXT, with spaces before count and line
	count = strip(substr($0, 1, index($0, ":") - 1))
	rest = substr($0, index($0, ":") + 1)
	line = strip(substr(rest, 1, index(rest, ":") - 1)) + 0
	text = substr(rest, index(rest, ":") + 1)
}

line == 0 {
	if (text ~ /^Source:/) {
		file = text
		sub(/^Source:/, "", file)
		# Of the module, by its place there; the kernel's headers are not.
		ours = sub(/^.*\/kmod\//, "kmod/", file) || file ~ /^kmod\//
		name = ""
	}
	next
}

!ours {
	next
}

# A function begins in the first column.
text ~ /^[A-Za-z_].*\(/ {
	name = text
	sub(/\(.*/, "", name)
	sub(/.*[ *]/, "", name)
}

count == "-" {
	next
}

{
	id = file ":" line
	if (!(id in seen)) {
		seen[id] = 1
		ids[++nr] = id
		lines[file]++
		if (!(file in of))
			files[++nr_files] = file
		of[file] = 1
		what[id] = file " " name ": " strip(text)
		there[what[id]] = 1
	}
	if (count !~ /^[#=]/ && count + 0 > 0)
		run[id] = 1
}

END {
	if (!nr) {
		verdict(0, "nothing was measured")
		exit 1
	}
	for (i = 1; i <= nr; i++) {
		id = ids[i]
		file = id
		sub(/:.*/, "", file)
		if (id in run) {
			total++
			covered[file]++
			continue
		}
		left[what[id]]++
		if (left[what[id]] > explained[what[id]] || !reason[what[id]]) {
			print id ": neither covered nor explained: " what[id]
			unexplained++
		}
	}
	for (i = 1; i <= nr_files; i++)
		printf "%-22s %s\n", files[i], percent(covered[files[i]], lines[files[i]])
	printf "%-22s %s\n", "all", percent(total, nr)
	for (i = 1; i <= nr_explained; i++) {
		key = order[i]
		if (left[key]-- <= 0 && !(race[key] && key in there)) {
			print "covered, or not there, and yet explained: " key
			stale++
		}
	}
	verdict(100 * total >= least * nr, "at least " least " % of the module's lines")
	verdict(!unexplained, "each line that is not covered is explained")
	verdict(!stale, "each line that is explained is not covered")
	exit failed > 0
}
