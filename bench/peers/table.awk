# SPDX-License-Identifier: GPL-2.0-only
#
# Tables of figures: a row for each peer, a column for each size. With ratios=1 only
# how many times what muster takes, with the spread.

BEGIN { FS = "\t" }

function flush_work(	i, j, cell) {
	if (!nr_peers)
		return
	printf "\n%s\n", title
	if (nr_sizes > 1) {
		printf "%-32s", ""
		for (j = 1; j <= nr_sizes; j++)
			printf " %20s", sizes[j]
		printf "\n"
	}
	for (i = 1; i <= nr_peers; i++) {
		printf "  %-30s", peers[i]
		for (j = 1; j <= nr_sizes; j++) {
			cell = cells[peers[i], sizes[j]]
			printf " %20s", cell == "" ? "-" : cell
		}
		printf "\n"
	}
	nr_peers = nr_sizes = 0
	delete cells
	delete known
}

function grouped(value,	text, head) {
	text = sprintf(value < 100 && value != int(value) ? "%.1f" : "%.0f", value)
	if (value < 1000)
		return text
	head = ""
	while (length(text) > 3) {
		head = "," substr(text, length(text) - 2) head
		text = substr(text, 1, length(text) - 3)
	}
	return text head
}

$1 == "work" { flush_work(); title = $3 }

$1 == "figure" {
	if (!known["p", $3]++)
		peers[++nr_peers] = $3
	if (!known["s", $4]++)
		sizes[++nr_sizes] = $4
	if (ratios)
		cells[$3, $4] = sprintf("%.2f (%.2f to %.2f)", $9, $10, $11)
	else if ($5 == "instructions")
		cells[$3, $4] = sprintf("%s [%.2f]", grouped($6), $9)
	else
		cells[$3, $4] = grouped($6)
}

END { flush_work() }
