# SPDX-License-Identifier: GPL-2.0-only
#
# A gnuplot script: cost against size, a plot for each work that has three sizes or more,
# a line for each peer, in the same colour everywhere.

BEGIN {
	FS = "\t"
	split("#0060ad #dd181f #00a040 #b07000 #8040a0 #808080 #00a0a0 #c04080 #404000 #ff8080 #80c000 #000000", palette, " ")
}

$1 == "work" { title[$2] = $3; order[++nr] = $2 }

$1 == "figure" {
	if (!(($2, $3) in data))
		lines[$2] = lines[$2] (lines[$2] == "" ? "" : "\t") $3
	if (data[$2, $3] == "" || !seen[$2, $4]++)
		count[$2] += !sizes[$2, $4]++
	data[$2, $3] = data[$2, $3] $4 " " $6 "\n"
}

function colour(peer) {
	if (!(peer in colours)) {
		colours[peer] = palette[1 + used % 12]
		used++
	}
	return colours[peer]
}

END {
	for (i = 1; i <= nr; i++)
		if (count[order[i]] >= 3)
			plots[++nr_plots] = order[i]
	rows = int((nr_plots + 1) / 2)
	print "set terminal svg noenhanced size 1000," 320 * rows " font 'sans,11' background 'white'"
	print "set output '" out "'"
	print "set multiplot layout " rows ",2"
	print "set logscale xy"
	print "set format xy '%.0s%c'"
	print "set grid"
	print "set key left top font ',9'"
	print "set ylabel 'instructions'"
	print "set offsets graph 0.05, graph 0.05, graph 0.7, 0"
	for (i = 1; i <= nr_plots; i++) {
		work = plots[i]
		n = split(lines[work], peer, "\t")
		for (j = 1; j <= n; j++)
			printf "$d%d_%d << EOD\n%sEOD\n", i, j, data[work, peer[j]]
		printf "set title \"%s\" font ',10'\nplot ", title[work]
		for (j = 1; j <= n; j++)
			printf "%s$d%d_%d with linespoints pt 7 ps 0.5 lw %d lc rgb '%s' title \"%s\"",
				(j > 1 ? ", " : ""), i, j, (j == 1 ? 2 : 1), colour(peer[j]), peer[j]
		printf "\n"
	}
	print "unset multiplot"
}
