# SPDX-License-Identifier: GPL-2.0-only
#
# Instructions by function, for each operation: the first file has the kernel's symbols
# in order, the second what QEMU says of each instruction. An operation is what lies
# between two entries into the function that is entered least of those that matter.

NR == FNR {
	if ($2 ~ /^[tTwW]$/ && length($1) == 16 && $1 != last) {
		last = $1
		address[++n] = $1
		name[n] = $3
	}
	next
}

# Both are 16 hexadecimal digits, which sort as they are.
function find(pc,	low, high, middle) {
	low = 0
	high = n
	while (low < high) {
		middle = int((low + high + 1) / 2)
		if (address[middle] <= pc)
			low = middle
		else
			high = middle - 1
	}
	return low
}

/^Trace/ {
	split($4, part, "/")
	pc = part[2]
	if (!(pc in known)) {
		at = pc < "8000000000000000" ? 0 : find(pc)
		known[pc] = at ? name[at] : "(user)"
		entry[pc] = at && address[at] == pc
	}
	count[known[pc]]++
	if (entry[pc])
		calls[known[pc]]++
	total++
}

END {
	ops = calls["muster_object_ioctl"]
	if (!ops) {
		print "nothing was traced"
		exit 1
	}
	printf "%d instructions, %d ioctls of muster, %.0f instructions each; at least 1 %%:\n",
		total, ops, total / ops
	for (f in count)
		if (count[f] >= total / 250)
			printf "%8.1f %5.1f %% %6.2f x %s\n", count[f] / ops, \
				100 * count[f] / total, calls[f] / ops, f | "sort -rn"
	close("sort -rn")
}
