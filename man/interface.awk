# SPDX-License-Identifier: GPL-2.0-only
#
# usage: awk -f interface.awk -v errnos="EPERM ENOENT ..." uapi/linux/muster.h muster.4
#
# Is what the header says in the page? Of each struct, in a part of the page that names
# it: all fields with their types, in order, and the smallest size. Of each ioctl, in the
# part with its name: the errnos that the comment of its struct names, and no others but
# those of every ioctl. Anywhere: every constant. Prints what is not.

BEGIN {
	n = split(errnos, words, " ")
	for (i = 1; i <= n; i++)
		is_errno[words[i]]
	n = split("EFAULT EINVAL E2BIG ENOTTY ENOMEM EBADF EAGAIN ETIMEDOUT EINTR " \
		"EMFILE ENFILE", words, " ")
	for (i = 1; i <= n; i++)
		common[words[i]]
}

function complain(text) {
	print FILENAME ": " text
}

# The words of @text that are errnos, in errno_of[@where, ...].
function note_errnos(where, text,	i, n, word) {
	n = split(text, word, /[^A-Z0-9_]+/)
	for (i = 1; i <= n; i++) {
		if (word[i] in is_errno)
			errno_of[where, word[i]]
	}
}

# ---- the header ----

FNR == NR && /^\/\*\*/ { comment = ""; in_comment = 1 }
FNR == NR && in_comment { comment = comment $0 "\n" }
FNR == NR && /\*\// { in_comment = 0 }

FNR == NR && /^struct [a-z_]+ \{$/ {
	struct = $2
	structs[++nr_structs] = struct
	min[struct] = ""
	if (match(comment, /at least [0-9]+/))
		min[struct] = substr(comment, RSTART, RLENGTH)
	head = comment
	sub(/@.*/, "", head)
	while (match(head, /MUSTER_[A-Z_]+/)) {
		ioctl = substr(head, RSTART, RLENGTH)
		head = substr(head, RSTART + RLENGTH)
		ioctls[++nr_ioctls] = ioctl
		# Where a page has one part for both, it has the errnos of both.
		note_errnos(ioctl, comment)
	}
	next
}

FNR == NR && struct && /^\t__[a-z0-9_]+ [a-z_0-9]+(\[[0-9]+\])?;/ {
	sub(/;.*/, "", $2)
	fields[struct] = fields[struct] $1 " " $2 "\n"
}

FNR == NR && /^};/ { struct = "" }

FNR == NR && /^(#define|\t)[ \t]*MUSTER_[A-Z0-9_]+[ \t(]/ {
	match($0, /MUSTER_[A-Z0-9_]+/)
	constants[substr($0, RSTART, RLENGTH)]
	if ($0 ~ /_IO\(/)
		commands[substr($0, RSTART, RLENGTH)]
}

FNR == NR { next }

# ---- the page ----

/^\.S[hs] / { part = part_name[++nr_parts] = $0; sub(/^\.S[hs] /, "", part) }
{
	text[part] = text[part] $0 "\n"
	word_count = split($0, word, /[^A-Za-z0-9_]+/)
	for (i = 1; i <= word_count; i++)
		seen[word[i]]
}
/^\.It Vt / { listed[part] = listed[part] $3 " " $5 "\n" }
/^\.Vt struct / { names[part, $3] }
/^\.Ss MUSTER_/ {
	n = split(part, word, /, /)
	for (i = 1; i <= n; i++)
		part_of[word[i]] = part
}

# ---- do they agree? ----

function check_struct(struct,	p, found, name) {
	for (name in text) {
		if (!((name, struct) in names))
			continue
		if (listed[name] == fields[struct] && index(text[name], min[struct]))
			return
		found = name
	}
	if (!found)
		complain("struct " struct " is not there")
	else if (listed[found] != fields[struct])
		complain(found ": fields of struct " struct ": wanted\n" fields[struct] \
			 "found\n" listed[found])
	else
		complain(found ": size of struct " struct ": not " min[struct])
}

function check_errnos(ioctl,	key, pair, page) {
	page = "page " ioctl
	note_errnos(page, text[part_of[ioctl]])
	for (key in errno_of) {
		split(key, pair, SUBSEP)
		if (pair[1] == ioctl && !((page, pair[2]) in errno_of))
			complain(ioctl ": " pair[2] " is not there")
		if (pair[1] == page && !((ioctl, pair[2]) in errno_of) &&
		    !(pair[2] in common))
			complain(ioctl ": " pair[2] " is not in the header")
	}
}

END {
	if (!nr_structs || !nr_ioctls || !nr_parts)
		complain("nothing to compare")
	for (i = 1; i <= nr_structs; i++)
		check_struct(structs[i])
	for (i = 1; i <= nr_ioctls; i++) {
		documented[ioctls[i]]
		if (ioctls[i] in part_of)
			check_errnos(ioctls[i])
		else
			complain("no part for " ioctls[i])
	}
	for (command in commands) {
		if (!(command in documented))
			complain(command ": no struct in the header is its argument")
	}
	for (constant in constants) {
		if (constant !~ /^MUSTER_IOC_MAGIC$/ && !(constant in seen))
			complain(constant " is not there")
	}
}
