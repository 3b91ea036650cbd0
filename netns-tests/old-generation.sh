# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# The generation that an apply has replaced is given up by synfwd, where one runs, and else by an
# apply; whoever is killed on the way leaves it to the next one.

. "$SOURCE/netns-tests/lib-synfwd.sh"

A=198.51.100.7
# of bpf(2): an update waits for packets in flight, deletes empty the slot
UPDATE=2 DELETE=3

prepare() {
	add_hosts
	policy east <<-E
		scoring: {flag-at: 50, decay: 1/h}
		sets: {seen: {dynamic: true, size: 100, timeout: 1h}}
		rules:
		  - {name: null-scan, proto: tcp, flags: none, score: 40}
		  - {name: odd-port, to: 81/tcp, score: 5}
		  - {name: known, from: seen, action: drop}
		  - {name: telnet, to: 23/udp, action: drop}
		  - {name: rest, from: any, action: allow}
	E
	policy west <<-E
		scoring: {flag-at: 50, decay: 1/h}
		rules:
		  - {name: odd-port, to: 81/tcp, score: 5}
		  - {name: ftp, to: 21/udp, action: drop}
		  - {name: rest, from: any, action: allow}
	E
}

udp() { echo "proto=udp,src=$A,dst=$EDGE4,dport=$1"; }
null_scan() { echo "proto=tcp,src=$A,dst=$EDGE4,dport=${1:-80},flags=0"; }

in_force() { # POLICY, by what it drops
	local drops=23 passes=21
	[ "$1" = east ] || drops=21 passes=23
	drops 3 "$(udp $drops)"
	passes 3 "$(udp $passes)"
	exits 0 synfw status --json
	json '.warnings == [] and .policy.name == "'"$1"'"'
}

generations() { state | grep -c '^    map policy_page'; }

one_is_left_soon() {
	local end=$((${EPOCHREALTIME/./} + 5000000))
	while [ "$(generations)" != 1 ]; do
		[ "${EPOCHREALTIME/./}" -lt $end ] || fail "after 5 seconds $(generations) generations are there"
		sleep 0.02
	done
}

# An apply whose generation before stays: synfwd runs, and does nothing.
apply_before_synfwd_looks() { # NAME
	kill -STOP "$PID"
	apply "$1"
	equal "$(generations)" 2 "generations, while synfwd stands still"
}

kill_synfwd() {
	kill -KILL "$PID"
	ends_with 137
}

test_without_synfwd_an_apply_gives_it_up_itself() {
	prepare
	apply east
	apply west
	equal "$(generations)" 1 "generations"
	in_force west
}

test_synfwd_gives_it_up() {
	local name
	prepare
	apply east
	start
	for name in west east east west; do
		apply_before_synfwd_looks $name
		in_force $name
		kill -CONT "$PID"
		one_is_left_soon
		in_force $name
	done
	[ ! -s "$T/synfwd.err" ] || fail "synfwd says: $(cat "$T/synfwd.err")"
	stop
}

# The next apply wants the slot before synfwd has come.
test_applies_in_a_row() {
	local i
	prepare
	apply east
	start
	for i in $(seq 10); do
		if [ $((i % 2)) = 0 ]; then apply east; else apply west; fi
	done
	in_force east
	one_is_left_soon
	kill -STOP "$PID"
	apply west
	apply east
	equal "$(generations)" 2 "generations"
	in_force east
	kill -CONT "$PID"
	one_is_left_soon
	in_force east
	stop
}

test_when_synfwd_dies_the_next_apply_does_it() {
	prepare
	apply east
	start
	apply_before_synfwd_looks west
	kill_synfwd
	in_force west
	apply east
	equal "$(generations)" 1 "generations"
	in_force east
}

# At each of its calls that waits or empties; then at none.
test_synfwd_killed_half_way() {
	local command at status
	prepare
	apply west
	for command in $UPDATE $DELETE; do
		for at in 1 2 3; do
			apply east
			start
			apply_before_synfwd_looks west
			kill_synfwd
			run timeout 2 nsenter --net="/run/netns/$EDGE" env LD_PRELOAD="$TOOLS/libfail_bpf.so" \
				FAIL_BPF_COMMAND=$command FAIL_BPF_AT=$at FAIL_BPF_SIGNAL=9 "$SYNFWD"
			status=$STATUS
			echo "killed at call $at of command $command: $status, $(generations) generations"
			case $status in
			137) in_force west ;;
			124) equal "$(generations)" 1 "generations that synfwd left, which was not killed" ;;
			*) fail "synfwd ended with $status" ;;
			esac
			[ "$at" -gt 1 ] || equal "$status" 137 "status at the first call of command $command"
			start
			one_is_left_soon
			stop
			in_force west
		done
	done
}

# Nor does a rule that comes later stand for them.
test_rules_that_went_are_forgotten() {
	prepare
	apply east
	passes 2 "$(null_scan)"
	passes 1 "$(null_scan 81)"
	start
	apply_before_synfwd_looks west
	kill -CONT "$PID"
	one_is_left_soon
	exits 0 synfw show scores --json
	json '[.scores[].parts[].rule] == ["odd-port"]'
	apply east
	exits 0 synfw show scores --json
	json '[.scores[].parts[].rule] == ["odd-port"]'
	equal "$(rule null-scan)" 0 "packets of a rule that is new again"
	stop
}

process_tables() { state | grep -c '^ *map process_rules'; }

test_rules_on_processes_go_with_it() {
	prepare
	add_programs
	policy watches <<-E
		processes:
		  - {name: good, exec: $T/bin/good, action: flag}
	E
	policy observes <<-E
		processes:
		  - {name: bad, exec: $T/bin/bad, action: flag}
	E
	apply watches
	start
	apply_before_synfwd_looks observes
	equal "$(process_tables)" 2 "tables of rules on processes"
	kill -CONT "$PID"
	one_is_left_soon
	equal "$(process_tables)" 1 "tables of rules on processes"
	apply_before_synfwd_looks watches
	apply observes
	runs bad
	runs good
	equal "$(process_rule bad)" 1 "programs flagged"
	kill -CONT "$PID"
	one_is_left_soon
	equal "$(process_tables)" 1 "tables of rules on processes"
	stop
}
