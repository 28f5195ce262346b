# SPDX-License-Identifier: GPL-2.0-only
#
# Which goals are met. The first file has the goals, the others figures. Fails if a figure
# is above its last limit, or missing.

BEGIN { FS = "\t" }

FNR == 1 { file++; run = FILENAME; sub(/.*\//, "", run); sub(/\.tsv$/, "", run) }

file == 1 && !/^#/ {
	gsub(/ *\| */, "\t")
	goal[++nr] = $0
}

file > 1 && $1 == "figure" { value[run, $2, $3, $4] = $6 }

END {
	for (i = 1; i <= nr; i++) {
		split(goal[i], g, "\t")
		key = g[1] SUBSEP g[3] SUBSEP g[4] SUBSEP g[5]
		base = g[1] SUBSEP g[6] SUBSEP g[7] SUBSEP g[8]
		if (!(key in value) || (g[6] != "" && !(base in value))) {
			printf "  %-58s %24s\n", g[2], "not measured"
			failed += !quick
			continue
		}
		got = g[6] == "" ? value[key] : value[key] / value[base]
		worse = got > (g[10] == "" ? g[9] : g[10])
		failed += worse
		printf "  %-58s %8.2f, wanted <= %-5s %s\n", g[2], got, g[9],
			got <= g[9] ? "met" : worse ? "NOT MET, worse than it was" : "NOT MET"
	}
	exit failed > 0
}
