# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Completion of muster(1) for bash: commands and options as muster itself tells them,
# names as there are, and behind a name or "--" the command's own.

# The options of a command.
_muster_options() {
	muster "$1" --help 2>/dev/null | grep -oE '(^  | )-[-a-zA-Z]+' | tr -d ' ' | sort -u
}

# The names of a type, or of all. What a shell would take apart is left out.
_muster_names() {
	muster ls ${1:+"$1"} 2>/dev/null |
		awk 'NR > 1 && NF == 9 && $9 !~ /[][*?(){}$`"'\''\\;&|<>!#]/ { print $9 }'
}

# Where a command's operands begin, in $_muster_at: the index of the first word that is
# no option and no option's argument.
_muster_operand() {
	local i word
	for ((i = $1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		-t | -E | -g | -n | -d | --timeout | --conflict-exit-code | --mode | --group | \
			--keep | --for | --stale | --forget-after | --limit | --weight | \
			--parties | --delay | --count | --successes | --while)
			((i++))
			;;
		-w) [ "${COMP_WORDS[1]}" != sem ] || ((i++)) ;;
		-*) ;;
		*) break ;;
		esac
	done
	_muster_at=$i
}

_muster() {
	local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} first=2 type='' i
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(muster --help 2>/dev/null |
			awk '/^  [a-z]/ { print $1 }') help" -- "$cur")
		return
	fi
	if [ "$command" = group ]; then
		if [ "$COMP_CWORD" -eq 2 ]; then
			mapfile -t COMPREPLY < <(compgen -W "open run add wait cancel reset" -- "$cur")
			return
		fi
		first=3
	fi
	_muster_operand $first
	for ((i = first; i < COMP_CWORD; i++)); do
		[ "${COMP_WORDS[i]}" != -- ] || _muster_at=-1
	done
	if [ $_muster_at -ge 0 ] && [ $_muster_at -ge "$COMP_CWORD" ]; then
		case $command in
		sem | lock | rwlock) type=sem ;;
		barrier | group) type=$command ;;
		ls | stat) ;;
		*) type=none ;;
		esac
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$(_muster_options "$command")" -- "$cur")
		elif [ "$command" = ls ]; then
			mapfile -t COMPREPLY < <(compgen -W "flight barrier sem group" -- "$cur")
		elif [ "$type" != none ]; then
			mapfile -t COMPREPLY < <(compgen -W "$(_muster_names "$type")" -- "$cur")
		fi
		return
	fi
	# The user's command.
	if [[ ${COMP_WORDS[COMP_CWORD - 1]} == -- || $_muster_at -eq $((COMP_CWORD - 1)) ]]; then
		mapfile -t COMPREPLY < <(compgen -c -- "$cur")
	else
		compopt -o default 2>/dev/null
	fi
}

complete -F _muster muster
