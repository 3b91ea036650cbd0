# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Two writers, and a writer that dies.

KILLS=${SYNFW_KILLS:-50}

prepare() {
	add_hosts
	policy east <<-E
		sets: {one: [198.51.100.0/25], two: [198.51.100.128/25]}
		rules:
		  - {name: one, from: one, action: allow}
		  - {name: two, from: two, action: drop}
	E
	policy west <<-E
		sets: {filler: [203.0.113.0/24], one: [198.51.100.0/25], two: [198.51.100.128/25]}
		rules:
		  - {name: filler, from: filler, to: 7-9/tcp, action: drop}
		  - {name: two, from: two, action: allow}
		  - {name: one, from: one, action: drop}
	E
}

# What passes says which policy is in force; "mixture" is neither.
policy_by_traffic() {
	local arrived
	arrived=$("$TOOLS/frames" --from "$CLIENT/eth0" --to "$EDGE/eth0" --count 16 \
		"proto=udp,src=198.51.100.1,dst=$EDGE4,dport=5" \
		"proto=udp,src=198.51.100.129,dst=$EDGE4,dport=5" | cut -d' ' -f2 | tr '\n' ' ')
	case $arrived in
	"16 0 ") echo east ;;
	"0 16 ") echo west ;;
	*) echo "mixture: $arrived" ;;
	esac
}

revision() { synfw status --json | jq .policy.revision; }

test_writers_take_turns() {
	local i pids=() before
	prepare
	apply east
	before=$(revision)
	for i in 1 2 3 4 5 6 7 8; do
		if [ $((i % 2)) = 0 ]; then name=east; else name=west; fi
		synfw apply "$T/$name.yaml" >"$T/writer$i" 2>&1 &
		pids+=($!)
	done
	for i in "${!pids[@]}"; do
		wait "${pids[$i]}" || { cat "$T/writer$((i + 1))" >&2; fail "writer $((i + 1)) failed"; }
	done
	equal "$(revision)" $((before + 8)) "revision"
	equal "$(policy_by_traffic)" "$(live_policy)" "policy in force"
	equal "$(state | grep -c '^    map policy_page')" 1 "generations that are kept"
}

test_writers_with_other_run_directories_take_turns() {
	local i pids=()
	prepare
	for i in 1 2 3 4 5 6; do
		SYNFW_RUN_DIR=$T/run$i synfw apply "$T/east.yaml" >"$T/writer$i" 2>&1 &
		pids+=($!)
	done
	for i in "${!pids[@]}"; do
		wait "${pids[$i]}" || { cat "$T/writer$((i + 1))" >&2; fail "writer $((i + 1)) failed"; }
	done
	equal "$(revision)" 6 "revision"
	equal "$(state | grep -c '^    map policy_page')" 1 "generations that are kept"
}

test_readers_see_one_policy_or_the_other() {
	local writer seen=0
	prepare
	apply east
	for _ in $(seq 40); do
		synfw apply "$T/west.yaml" && synfw apply "$T/east.yaml" || exit 1
	done >"$T/writer" 2>&1 &
	writer=$!
	while kill -0 $writer 2>/dev/null; do
		exits 0 synfw show rules --json
		json '[.rules[].name] | . == ["one", "two"] or . == ["filler", "two", "one"]'
		exits 0 synfw status --json
		json '.policy.name == "east" or .policy.name == "west"'
		seen=$((seen + 1))
	done
	wait $writer || { cat "$T/writer" >&2; fail "an apply failed"; }
	[ $seen -gt 10 ] || fail "only $seen readings"
}

leftovers() {
	find "$SYNFW_BPFFS" -name 'new*' -o -name '*pending*' >"$T/leftovers" || fail "no pins"
	if [ -s "$T/leftovers" ]; then cat "$T/leftovers"; else echo none; fi
}

HITS=0

# One apply of NAME, killed at part NUMBER of PARTS of the time that an apply takes here.
kill_apply() { # NAME NUMBER PARTS MILLISECONDS
	local pid delay
	delay=$(awk -v n="$2" -v parts="$3" -v ms="$4" 'BEGIN {print n / parts * ms * 1.1 / 1000}')
	nsenter --net="/run/netns/$EDGE" "$SYNFW" apply "$T/$1.yaml" >"$T/killed" 2>&1 &
	pid=$!
	sleep "$delay"
	kill -KILL $pid 2>/dev/null || true
	wait $pid 2>/dev/null || [ $? != 137 ] || HITS=$((HITS + 1))
}

# A kill that comes when apply is done proves nothing. How many do depends on the machine.
kills_hit() { # KILLS
	echo "$HITS of $1 kills hit an apply"
	[ "$HITS" -gt $(($1 / 10)) ] || fail "only $HITS of $1 kills hit an apply"
}

milliseconds_of_apply() { # NAME
	exits 0 synfw apply "$T/$1.yaml" --json
	jq '.duration_ms + 20' "$T/out"
}

test_killed_apply_leaves_the_old_or_the_new_policy() {
	local i ms old new now
	prepare
	apply west
	ms=$(milliseconds_of_apply east)
	for i in $(seq "$KILLS"); do
		old=$(live_policy)
		if [ "$old" = east ]; then new=west; else new=east; fi
		kill_apply $new "$i" "$KILLS" "$ms"
		now=$(live_policy)
		case $now in "$old" | "$new") ;; *) fail "kill $i: \"$now\" is in force" ;; esac
		equal "$(policy_by_traffic)" "$now" "kill $i: policy that packets see"
		apply $new
		equal "$(policy_by_traffic)" $new "after kill $i: policy that packets see"
		equal "$(leftovers)" none "after kill $i: pins that are left"
		exits 0 synfw status --json
		json '.warnings == []'
		equal "$(state | grep -c '^    map policy_page')" 1 "after kill $i: generations"
	done
	kills_hit "$KILLS"
}

test_killed_first_apply_leaves_all_or_nothing() {
	local i ms
	prepare
	ms=$(milliseconds_of_apply east)
	exits 0 synfw detach
	for i in $(seq $((KILLS / 2))); do
		kill_apply east "$i" $((KILLS / 2)) "$ms"
		case $(live_policy) in
		none) passes 16 "proto=udp,src=198.51.100.129,dst=$EDGE4,dport=5" ;;
		east) equal "$(policy_by_traffic)" east "kill $i: policy that packets see" ;;
		*) fail "kill $i: something else is in force" ;;
		esac
		apply east
		equal "$(policy_by_traffic)" east "after kill $i: policy that packets see"
		equal "$(leftovers)" none "after kill $i: pins that are left"
		exits 0 synfw detach
		equal "$(state)" nothing "after kill $i: what is pinned"
	done
	kills_hit $((KILLS / 2))
}

test_upgrade_that_is_killed_loses_nothing() {
	local i ms next=$BUILD/netns-tests/next/synfw-next
	prepare
	apply east
	ms=$(milliseconds_of_apply east)
	for i in $(seq $((KILLS / 2))); do
		SYNFW=$next kill_apply west "$i" $((KILLS / 2)) "$ms"
		case $(policy_by_traffic) in mixture*) fail "kill $i: a mixture is in force" ;; esac
		apply east
		equal "$(policy_by_traffic)" east "after kill $i: policy that packets see"
		exits 0 synfw status --json
		json '.warnings == []'
	done
	kills_hit $((KILLS / 2))
}

hold_lock() { # for 2.5 s, from now on
	flock "$SYNFW_RUN_DIR/lock" sleep 2.5 &
	while flock --nonblock "$SYNFW_RUN_DIR/lock" true; do sleep 0.01; done
}

# The second that it takes is spent waiting for the lock.
test_a_terminal_is_told_what_a_long_apply_does() {
	add_hosts
	policy next <<<'rules: [{name: web, to: 80/tcp, action: allow}]'
	apply next
	hold_lock
	on_edge env TERM=xterm script -qec "$SYNFW apply $T/next.yaml" /dev/null </dev/null >"$T/terminal"
	wait
	grep -q "waiting for another synfw to end (1 s)" "$T/terminal" || fail "nothing was told: $(cat -v "$T/terminal")"
	grep -q "applied" "$T/terminal" &&
		tr '\r' '\n' <"$T/terminal" | grep -q "^$(printf '\033')\[K.*applied" || fail "it was not applied: $(cat -v "$T/terminal")"
	hold_lock
	exits 0 synfw apply "$T/next.yaml"
	wait
	warns_of_nothing
}
