# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# muster ls, stat, top, and the completion for bash

# ls, stat: names, numbers, who holds and who waits; as JSON, too
test_ls() {
	muster sem -n 3 -w 2 "$k" /tmp/inside a 2>a.err &
	holder=$!
	soon has_lines inside 1
	muster sem -w 2 "$k" true 2>b.err &
	waiter=$!
	soon has_waiters $holder 1
	muster flight --keep 1h --group "$k" key echo x
	muster ls >out
	same "$(grep "$k\$" out | awk '{ print $1, $2, $3, $4, $5, $6, $7, $8 }')" \
		"flight 3 0 0 1 0 0600 root
sem 3 2 1 0 2 0600 root"
	muster ls sem >out
	has_lines out 2
	muster ls --json flight >out
	jq -e "[.[] | select(.name == \"$k\").mode] == [\"0600\"]" out
	says out "{\"type\":\"flight\",\"name\":\"$k\",\"limit\":3,\"used\":0,\"waiters\":0,\"kept\":1,"
	muster stat sem "$k" >out
	says out "held  *2"
	says out "process $holder  *holds  *2 .* muster"
	says out "process $waiter  *waits  *2"
	muster stat "$k" >out
	same "$(grep -c "^[a-z]" out)" 2
	muster stat --json sem "$k" >out
	says out "\"limit\":3,\"held\":2,\"available\":1,\"waiters\":1,\"abandoned\":0,\"processes\":\[{\"pid\":$holder,\"role\":\"holds\",\"amount\":2,"
	same "$(jq -r '.[0].processes[] | "\(.pid) \(.role) \(.amount)"' out)" \
		"$holder holds 2
$waiter waits 2"
	fails 125 muster ls sem "$k" 2>0.err
	says 0.err "what is that"
	fails 125 muster stat "$k.none" 2>0.err
	says 0.err "nothing of this name"
	fails 125 muster ls nonsense 2>0.err
	touch go.a
	ended 0 $holder
	ended 0 $waiter
}

# stat: every type as JSON, and nothing as JSON, too
test_stat_json() {
	muster ls --json >out
	jq -e . out
	muster barrier -n 3 "$k" &
	party=$!
	soon has_waiters $party 1
	muster group open "$k"
	muster group run "$k" false || :
	muster lock "$k" /tmp/inside a 2>a.err &
	soon has_lines inside 1
	muster flight --keep 1h --group "$k" key true
	muster stat --json "$k" >out
	same "$(jq -c '[.[].type] | sort' out)" '["barrier","flight","group","sem"]'
	jq -e 'all(.processes | type == "array")' out
	same "$(jq '.[] | select(.type == "group") | .failed' out)" 1
	same "$(jq -c '.[] | select(.type == "barrier") | [.parties, .waiting, .broken]' out)" \
		'[3,1,"no"]'
	kill $party
	touch go.a
}

# stat: who leads a flight; without a name what has happened so far
test_stat_totals() {
	muster stat >before
	muster flight --group "$k" key /tmp/slow >out.0 2>0.err &
	leader=$!
	soon has_lines runs 1
	muster stat flight "$k" >out
	says out "process $leader  *holds  *0 .* muster"
	muster flight --group "$k" key /tmp/slow >out.1 2>1.err &
	follower=$!
	soon has_waiters $leader 1
	muster stat --json flight "$k" >out
	says out "\"processes\":\[{\"pid\":$leader,\"role\":\"holds\",\"amount\":1,"
	touch go
	ended 7 $leader
	ended 7 $follower
	muster stat >out
	same "$(awk '$1 == "led" || $1 == "joined" { if (FNR == NR) n[$1] = $2
		else printf "%s %s ", $1, $2 - n[$1] }' before out)" "led 1 joined 1 "
	muster stat --json >out
	jq -e '.objects > 0 and .led > 0' out
	says out "^{\"objects\":[0-9]*,\"led\":[0-9]*,\"joined\":.*\"deaths\":[0-9]*}\$"
}

# ls: more names than fit one answer, odd ones as good JSON
test_ls_many() {
	for i in $(seq 130); do
		muster flight --keep 1h --group "$k-$i" key true
	done
	same "$(muster ls | grep -c "$k-")" 130
	muster flight --keep 1h --group "$k \"\\$(printf '\303\244\377')" key true
	muster ls --json flight >out
	printf '"%s \\"\\\\\303\244\\u00ff"' "$k" >want
	grep -qFf want out
	same "$(head -n 1 out)$(tail -n 1 out)" "[]"
	same "$(jq -r '.[] | select(.name | endswith("ÿ")).name' out)" \
		"$(printf '%s "\\\303\244\303\277' "$k")"
}

# ls, stat, top: a name that would steer the terminal does not
test_ls_escapes() {
	# The module takes no control character of ASCII. This one is CSI in UTF-8.
	csi=$(printf '\302\233')
	muster group open "$k${csi}1m$(printf '\377')x"
	muster ls group >out
	muster stat group "$k${csi}1m$(printf '\377')x" >>out
	muster top -n 1 >>out
	same "$(grep -c "$k?1m?x\$" out)" 3
	! grep -q "$csi" out
	muster ls --json group >out
	jq -e '.[].name | select(endswith("1mÿx"))' out
}

# flight, stat: nor does what a process calls itself
test_ls_process_escapes() {
	csi=$(printf '\302\233')
	cp /usr/local/bin/muster "./a${csi}b"
	"./a${csi}b" flight --group "$k" key /tmp/slow >out.0 2>0.err &
	leader=$!
	soon has_lines runs 1
	muster flight -v --group "$k" key true >out.1 2>1.err &
	follower=$!
	soon has_waiters $leader 1
	says 1.err "process $leader (a?b) leads"
	muster stat --json flight "$k" >out
	says out '"command":"a?b"'
	! grep -q "$csi" out 1.err
	touch go
	ended 7 $leader
	ended 7 $follower
}

# ls: users see what they may open, and nothing else
test_ls_users() {
	as alice muster flight --keep 1h --group "$k.shut" key true
	as alice muster flight --keep 1h --mode 666 --group "$k.open" key true
	as alice muster flight --keep 1h --group "~$k" key true
	same "$(as alice muster ls | grep -c "$k")" 3
	same "$(as bob muster ls | grep "$k" | awk '{ print $7, $8, $9 }')" "0666 alice $k.open"
	same "$(muster ls | grep -c "$k")" 2
	as bob muster sem -n 2 "$k.shut" /tmp/inside a 2>a.err &
	soon has_lines inside 1
	as bob muster stat "$k.shut" >out
	same "$(grep "^[a-z]" out)" "sem $k.shut"
	touch go.a
	ended 0 $!
	fails 125 as bob muster stat "$k.shut" 2>0.err
	says 0.err "no permission"
}

# top: a table for each interval; rates of what is led, joined and kept
test_top() {
	muster flight --keep 1h --group "$k" key true
	muster lock "$k" /tmp/inside a 2>a.err &
	soon has_lines inside 1
	muster group open "$k"
	muster top -n 2 -d 10ms >out
	same "$(grep -c "^muster: " out)" 2
	same "$(grep -c "SAVED" out)" 2
	same "$(grep -c "^so far: [0-9]*% of work saved, [0-9]* deaths$" out)" 2
	same "$(grep -c "^per second: [0-9.]* led, .* granted, [0-9.]* waits$" out)" 1
	says out "sem  *1  *1  *0  *$! .* muster  *$k"
	! grep -q "$(printf '\033')" out
	# Of a flight that somebody has open.
	muster flight --group "$k.2" key /tmp/slow >out.0 2>0.err &
	leader=$!
	soon has_lines runs 1
	muster top --count 1 >out
	says out "0.0  *0.0  *0.0  *0%  *1  *0  *0  *$leader  *[0-9.]*[a-z]*  $k.2\$"
	touch go go.a
	ended 7 $leader
}

# top: in a terminal it fits, and begins anew each time
test_top_terminal() {
	for i in 1 2 3 4 5 6 7 8 9; do
		muster flight --keep 1h --group "$k-a-rather-long-name-$i" key true
	done
	SHELL=/bin/sh /usr/local/bin/script -qc \
		"stty rows 12 cols 80; muster top -n 2 -d 10ms" typescript </dev/null >out
	same "$(grep -c "$(printf '\033\\[H\033\\[J')muster: " out)" 2
	says out "and [0-9]* more"
	! grep -q "rather-long-name" out
	same "$(tr -d '\r' <out | sed 's/^\x1b.*J//' | awk 'length() > 80' | wc -l)" 0
	# Two tables of at most eleven lines, and the one that the cursor is in.
	[ "$(wc -l <out)" -le 22 ]
}

# completion for bash: commands, options, names
test_completion() {
	muster lock "$k" /tmp/inside a 2>a.err &
	soon has_lines inside 1
	complete_() {
		bash -c '. /muster.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _muster
			echo "${COMPREPLY[@]}"' bash "$@"
	}
	same "$(complete_ muster fl)" flight
	same "$(complete_ muster flight --ke)" "--keep --keep-failure"
	same "$(complete_ muster group wa)" wait
	same "$(complete_ muster group wait --out)" --output
	same "$(complete_ muster lock "$k")" "$k"
	same "$(complete_ muster lock -t 5s "$k")" "$k"
	same "$(complete_ muster barrier "$k")" ""
	same "$(complete_ muster stat flight "$k.none")" ""
	same "$(complete_ muster lock "$k" muste)" muster
	same "$(complete_ muster lock "$k" -- muste)" muster
	same "$(complete_ muster ls se)" sem
	same "$(complete_ muster help fl)" flight
	same "$(complete_ muster help flight x)" ""
	same "$(complete_ muster --v)" --version
	# Values of options: names of groups, modes, and none where only you can know.
	muster flight --keep 1h --group "$k.g" key true
	same "$(complete_ muster flight --group "$k")" "$k.g"
	same "$(complete_ muster forget -g "$k")" "$k.g"
	same "$(complete_ muster flight --group = "$k")" "$k.g"
	complete_ muster flight --group = | tr ' ' '\n' >out
	grep -qxF "$k.g" out
	same "$(complete_ muster lock --mode 66)" "660 666"
	same "$(complete_ muster lock -t "$k")" ""
	same "$(complete_ muster lock --timeout = "$k")" ""
	same "$(complete_ muster lock --timeout = 5s "$k")" "$k"
	same "$(complete_ muster lock "$k" --ti)" --timeout
	# Of group what the verb takes.
	same "$(complete_ muster group open --)" "--limit --keep-going --while --mode --verbose --help"
	same "$(complete_ muster group reset --)" "--conflict-exit-code --verbose --help"
	muster group open "$k.group"
	same "$(complete_ muster group wait "$k")" "$k.group"
	same "$(complete_ muster group add "$k.group" muste)" muster
	same "$(complete_ muster group wait "$k.group" muste)" ""
	same "$(complete_ muster stat sem "$k")" "$k"
	touch go.a
	ended 0 $!
}

# help: the completion and the page have each command and option that it tells of
test_help_complete() {
	fails 0 muster --help >all
	sed -n 's/^  \([a-z]*\)  .*/\1/p' all >commands
	same "$(bash -c '. /muster.bash; _muster_commands')" "$(cat commands)"
	while read -r command; do
		muster "$command" --help >text
		same "$(muster help "$command")" "$(cat text)"
		says /muster.1 "^.*Cm .*\\<$command\\>"
		tr ' ' '\n' <text | sed 's/^\[//; s/[],|.]*$//' |
			sed -n '/^-[-a-zA-Z]*$/p' | sort -u >told
		bash -c '. /muster.bash; COMP_WORDS=(muster "$1" -) COMP_CWORD=2
			[ "$1" != group ] || COMP_WORDS=(muster group "" -) COMP_CWORD=3
			_muster; printf "%s\n" "${COMPREPLY[@]}"' bash "$command" | sort -u >offered
		while read -r option; do
			[ "$option" != -- ] || continue
			grep -qxFe "$option" offered || {
				echo "completion of $command: $option is not there" >&2
				return 1
			}
			case $option in
			--*) word="Fl .*-${option#--}" ;;
			*) word="Fl ${option#-}" ;;
			esac
			says /muster.1 "^\\.\\(It\\|Op\\|Nm\\)\\? \\?$word\\( \\|\$\\)"
		done <told
	done <commands
}

# the page's examples do what they say, with stubs for what they run
test_page_examples() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' /muster.1 | awk '
		/^\.Dl / { print substr($0, 5) }
		/^\.Ed/ { literal = 0 }
		literal
		/^\.Bd/ { literal = 1 }' | sed 's/\\-/-/g' >examples
	mkdir bin
	for stub in bin/curl bin/convert bin/cc backup; do
		printf '#!/bin/sh\necho "%s${*:+ $*}"\n' "${stub#bin/}" >$stub
		chmod 755 $stub
	done
	touch a.c b.c
	PATH="$PWD/bin:$PATH" sh -e examples >out
	same "$(sed "s/^[0-9]* //" out | sort)" "$(sort <<-'END'
		backup
		cc -c a.c
		cc -c b.c
		convert a.png a.jpg
		curl -s https://weather.example/
		done 0
		done 0
	END
	)"
}
