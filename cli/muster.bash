# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Completion of muster(1) for bash: commands and options as muster itself tells them,
# names as there are, and behind a name or "--" the command's own.

_muster_commands() {
	muster --help 2>/dev/null | awk '/^  [a-z]/ { print $1 }'
}

# _muster_options COMMAND [VERB]: the options that --help tells, one a line, and a "=" behind
# those that take a value. Of group only the verb's, which what is said of them begins with.
_muster_options() {
	muster "$1" --help 2>/dev/null | awk -v verb="${2:-}" '
		function flush(	text) {
			text = said
			sub(/^ */, "", text)
			if (options == "" || (verb != "" && match(text, /^[a-z]+(, [a-z]+)*: /) &&
			    (", " substr(text, 1, RLENGTH - 2) ",") !~ (", " verb ",")))
				options = ""
			printf "%s", options
			options = said = ""
		}
		/^  (-[a-zA-Z], |    )--[a-z]/ {
			flush()
			value = $0 ~ /^  (-[a-zA-Z], |    )--[-a-z]+ [A-Z]/ ? "=" : ""
			for (i = 1; i <= 2 && $i ~ /^-/; i++) {
				one = $i
				sub(/,$/, "", one)
				options = options one value "\n"
			}
			said = $0
			sub(/^ *(-[a-zA-Z], )?--[-a-z]+( [A-Z]+)?/, "", said)
			next
		}
		said ~ /^ *$/ { said = $0 }
		END { flush() }'
}

# The names of a type, or of all. What a shell would take apart is left out.
_muster_names() {
	muster ls ${1:+"$1"} 2>/dev/null |
		awk 'NR > 1 && NF == 9 && $9 !~ /[][*?(){}$`"'\''\\;&|<>!#]/ { print $9 }'
}

# The words up to the cursor, in $words. Bash takes --option=value apart.
_muster_words() {
	local word glue=''
	words=()
	for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
		if [[ -n $glue || ($word == '=' && ${words[-1]-} == --*) ]]; then
			words[-1]+=$word
			[[ $word == '=' && -z $glue ]] && glue=y || glue=''
		else
			words+=("$word")
		fi
	done
}

# _muster_takes WORD: it is an option whose value is the next word.
_muster_takes() {
	[[ $1 == -* && $1 != *=* && $'\n'$options$'\n' == *$'\n'$1=$'\n'* ]]
}

# What to say as the value of an option.
_muster_value() {
	case $1 in
	-g | --group) _muster_names flight ;;
	--mode) echo "600 660 666" ;;
	esac
}

# _muster_operand N: what may stand there as the Nth, beside options; nothing if CMD does.
_muster_operand() {
	case ${words[1]} in
	sem | lock | rwlock) [ "$1" -gt 0 ] || _muster_names sem ;;
	barrier | group) [ "$1" -gt 0 ] || _muster_names "${words[1]}" ;;
	ls) [ "$1" -gt 0 ] || echo flight barrier sem group ;;
	stat)
		if [ "$1" -eq 0 ]; then
			echo flight barrier sem group
			_muster_names
		elif [ "$1" -eq 1 ]; then
			_muster_names "${operands[0]}"
		fi
		;;
	esac
}

# Whether a command comes behind the name.
_muster_runs() {
	case ${words[1]} in
	flight | once | sem | lock | rwlock | barrier) ;;
	group) [[ ${words[2]} == run || ${words[2]} == add ]] ;;
	*) false ;;
	esac
}

# Sets COMPREPLY to those of the words in $1 that begin with $2.
_muster_reply() {
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

# The user's command, of which the word under the cursor is the Nth.
_muster_command() {
	if ! _muster_runs; then
		return
	elif [ "$1" -eq 0 ]; then
		mapfile -t COMPREPLY < <(compgen -c -- "$cur")
	else
		compopt -o default 2>/dev/null
	fi
}

_muster() {
	local words operands=() options cur last at i
	COMPREPLY=()
	_muster_words
	last=$((${#words[@]} - 1))
	cur=${words[last]}
	at=2
	if [ $last -eq 1 ]; then
		_muster_reply "$(_muster_commands) help --help --version" "$cur"
		return
	elif [ "${words[1]}" = help ]; then
		[ $last -ne 2 ] || _muster_reply "$(_muster_commands)" "$cur"
		return
	elif [ "${words[1]}" = group ]; then
		if [ $last -eq 2 ]; then
			_muster_reply "open run add wait cancel reset --help" "$cur"
			return
		fi
		at=3
	fi
	options=$(_muster_options "${words[1]}" "$([ $at -ne 3 ] || echo "${words[2]}")")
	for ((i = at; i < last; i++)); do
		if [ "${words[i]}" = -- ]; then
			_muster_command $((last - i - 1))
			return
		fi
	done
	for ((i = at; i < last; i++)); do
		if _muster_takes "${words[i]}"; then
			((i++))
			[ $i -ne $last ] || {
				_muster_reply "$(_muster_value "${words[i - 1]}")" "$cur"
				return
			}
		elif [[ ${words[i]} != -* ]]; then
			operands+=("${words[i]}")
			# Options may stand behind the name, too, if a -- follows.
			if _muster_runs && [[ $i -ne $((last - 1)) || $cur != -* ]]; then
				_muster_command $((last - i - 1))
				return
			fi
		fi
	done
	if [[ $cur == --*=* ]]; then
		_muster_reply "$(_muster_value "${cur%%=*}")" "${cur#*=}"
		[[ $COMP_WORDBREAKS == *=* ]] || COMPREPLY=("${COMPREPLY[@]/#/${cur%%=*}=}")
	elif [[ $cur == -* ]]; then
		_muster_reply "${options//=/}" "$cur"
	else
		_muster_reply "$(_muster_operand ${#operands[@]})" "$cur"
	fi
}

complete -F _muster muster
