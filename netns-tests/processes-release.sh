# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# What a process is held for is taken back, and what its children began with.

prepare() {
	add_hosts
	add_programs
	apply_processes "$@"
}

# Perl of which kind of network a process has.
SOCKET='(socket(S, PF_INET, SOCK_DGRAM, 0) ? "may" : "may not")'

held() { # FIELD: process ids, of this case's programs
	synfw show processes --json | jq -r --arg bin "$T/bin/" \
		".processes[] | select(.$1 and ((.path // \"\") | startswith(\$bin))) | .pid" | LC_ALL=C sort
}

is_there() { # FILE: with something in it, within 30 s
	for _ in $(seq 300); do
		if [ -s "$1" ]; then return 0; fi
		sleep 0.1
	done
	fail "there is no \"$1\""
}

# As begin_work, and its children wait until it closes W, or ends: nobody has to look again and again.
begin_parent() {
	begin_work
	work 'pipe R, W or die'
}

# A child that waits and then tells what it may in $T/NAME; DO runs before.
begin_child() { # NAME [DO]
	work "unless (fork) { ${2:-} close W; open T, '>', '$T/$1.there'; print T \$\$; close T; <R>; open T, '>', '$T/$1'; print T $SOCKET; close T; exit }"
	is_there "$T/$1.there"
}

test_an_isolated_process_connects_again_after_release() {
	local name
	prepare "- {name: alone, exec: $T/bin/net, action: isolate, fallback: partial}"
	begin_parent
	begin_child child
	# whose parent has ended
	begin_child grandchild "if (fork) { exit }"
	work "print +$SOCKET, \"\n\""
	equal "$(said)" "may not" "what an isolated process may"
	exits 1 synfw why $WORKER
	grep -q "to undo:    synfw release $WORKER$" "$T/out" || { cat "$T/out" >&2; fail "why does not tell how to undo it"; }
	exits 1 synfw why $WORKER --json
	json ".undo == [\"synfw release $WORKER\"]"
	exits 0 synfw release $WORKER --json
	json ".schema == \"synfw.release/1\" and .all == false and .processes == [{pid: $WORKER, comm: \"net\",
		released: true, flagged: true, isolated: true, talked: false, peers: false, score: 0, executable_score: 0, heirs: 2}]"
	work "print +$SOCKET, \"\n\""
	equal "$(said)" may "what a released process may"
	work "close W"
	for name in child grandchild; do
		is_there "$T/$name"
		equal "$(cat "$T/$name")" may "what its $name may"
	done
	exits 0 synfw why $WORKER --json
	json '.isolated == false and .flagged == false and .rule == null and .undo == []'
	exits 1 synfw release $WORKER
	grep -q "is not held for anything" "$T/out" || fail "release does not tell that there was nothing"
	end_work
	# what is executed anew is judged anew
	exits 0 on_edge "$T/bin/net" -MSocket -e "print $SOCKET"
	equal "$(cat "$T/out")" "may not" "what another one may"
}

test_who_is_held_for_itself_is_held_on() {
	local parent child
	prepare "- {name: alone, exec: $T/bin/waits, action: isolate, fallback: partial}"
	"$T/bin/shell" -c "'$T/bin/waits' 61 & echo \$! >'$T/child'; sleep 0.3; exec '$T/bin/waits' 60" &
	parent=$!
	is_there "$T/child"
	child=$(cat "$T/child")
	for _ in $(seq 100); do
		if [ "$(held isolated | wc -l)" = 2 ]; then break; fi
		sleep 0.1
	done
	equal "$(held isolated)" "$(printf '%s\n' $parent "$child" | LC_ALL=C sort)" "who is isolated"
	exits 0 synfw release $parent
	grep -q "^released process $parent (waits): it was isolated$" "$T/out" ||
		{ cat "$T/out" >&2; fail "release does not tell what it did"; }
	equal "$(held isolated)" "$child" "who is isolated after release"
	exits 0 synfw release --all
	grep -q "^released [1-9][0-9]* process" "$T/out" || fail "release does not tell what it did"
	equal "$(held flagged | wc -l)" 0 "how many are flagged after release of all"
	kill $parent "$child"
	wait $parent 2>/dev/null || true
}

# With the points of its executable it would be acted on again at once.
test_points_are_forgotten_with_those_of_the_executable() {
	local pid
	prepare "- {name: odd, exec: $T/bin/waits, score: 60}" \
		"process-scoring: {act-at: 100, action: kill, decay: 1/h}"
	"$T/bin/waits" 60 &
	pid=$!
	sleep 0.2
	exits 0 synfw why $pid
	grep -q "to undo:    synfw release $pid$" "$T/out" || fail "why does not tell how to undo it"
	exits 0 synfw release $pid --json
	# a point is forgotten within the hour
	json '.processes[0] | .released and .flagged == false and (.score, .executable_score | . == 59 or . == 60) and .heirs == 0'
	exits 0 synfw why $pid --json
	json '.score == 0 and .executable == null'
	exits 0 "$T/bin/waits" 0
	exits 137 "$T/bin/waits" 0
	# its own are gone, and these are of others
	exits 0 synfw release $pid --json
	json '.processes[0] | .score == 0 and .executable_score >= 119'
	exits 1 synfw release $pid
	kill $pid
	wait $pid 2>/dev/null || true
}

test_who_is_forked_meanwhile_is_released() {
	local i children
	prepare "- {name: alone, exec: $T/bin/net, action: isolate, fallback: partial}"
	begin_parent
	# all of them live until the end
	echo "for (1 .. 1500) { last if -e '$T/enough'; my \$pid = fork; last unless defined \$pid; unless (\$pid) { close W; <R>; exit } select undef, undef, undef, 0.002 }" >&8
	for i in $(seq 100); do
		if [ "$(held isolated | wc -l)" -gt 20 ]; then break; fi
	done
	exits 0 synfw release $WORKER --json
	json '.processes[0].heirs > 20'
	touch "$T/enough"
	for i in $(seq 600); do
		if [ "$(grep -c done "$T/worked")" = 2 ]; then break; fi
		sleep 0.1
	done
	children=$(pgrep -c -P $WORKER)
	[ "$children" -gt "$(jq '.processes[0].heirs' "$T/out")" ] ||
		fail "of $children children none was forked after the release"
	equal "$(held isolated | wc -l) $(held flagged | wc -l)" "0 0" "how many are held"
	work "close W; 1 while wait > 0"
	end_work
}

test_release_refuses_what_it_does_not_know() {
	add_hosts
	exits 2 synfw release 1
	says "no policy with rules on processes is in force"
	add_programs
	apply_processes "- {name: alone, exec: $T/bin/net, action: isolate, fallback: partial}"
	exits 2 synfw release
	exits 2 synfw release --all 1
	exits 2 synfw release net
	says "\"net\" is not the number of a process"
	exits 2 synfw release 999999999
	says "there is no process 999999999 that is known"
	exits 1 synfw release $$
}
