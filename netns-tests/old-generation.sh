# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# The generation that an apply has replaced is given up by synfwd, where one serves the datapath, and
# else by an apply; whoever is killed on the way leaves it to the next one.

. "$SOURCE/netns-tests/lib-synfwd.sh"

A=198.51.100.7
# of bpf(2): an update waits for packets in flight, deletes empty the slot
UPDATE=2 DELETE=3
# pages of 4 MiB that the tables of each policy take: a list of 50,000 has a root of lines
declare -A PAGES=([east]=3 [west]=1 [plain]=1)

prepare() {
	add_hosts
	seq 50000 | awk '{ printf "10.%d.%d.%d\n", $1 / 16384, $1 / 64 % 256, $1 % 64 * 4 }' >"$T/list.txt"
	policy east <<-E
		scoring: {flag-at: 50, decay: 1/h}
		sets:
		  seen: {dynamic: true, size: 100, timeout: 1h}
		  listed: {file: $T/list.txt}
		rules:
		  - {name: null-scan, proto: tcp, flags: none, score: 40}
		  - {name: odd-port, to: 81/tcp, score: 5}
		  - {name: known, from: [seen, listed], action: drop}
		  - {name: telnet, to: 23/udp, action: drop}
		  - {name: rest, from: any, action: allow}
	E
	policy west <<-E
		scoring: {flag-at: 50, decay: 1/h}
		rules:
		  - {name: null-scan, proto: tcp, flags: none, score: 40}
		  - {name: odd-port, to: 81/tcp, score: 5}
		  - {name: ftp, to: 21/udp, action: drop}
		  - {name: rest, from: any, action: allow}
	E
	policy plain <<-E
		scoring: {flag-at: 50, decay: 1/h}
		rules:
		  - {name: odd-port, to: 81/tcp, score: 5}
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

# The tables in the kernel, and the members of dynamic sets, are those of these policies.
tables() { echo "$(state | grep -c '^    map policy_page') pages, $(state | grep -c '^    map set_members') sets"; }

tables_of() { # POLICY...
	local name pages=0 sets=0
	for name; do
		pages=$((pages + ${PAGES[$name]}))
		[ "$name" != east ] || sets=$((sets + 1))
	done
	echo "$pages pages, $sets sets"
}

are_kept() { # POLICY...
	equal "$(tables)" "$(tables_of "$@")" "tables in the kernel"
}

soon_only() { # POLICY
	local end=$((${EPOCHREALTIME/./} + 5000000))
	while [ "$(tables)" != "$(tables_of "$1")" ]; do
		[ "${EPOCHREALTIME/./}" -lt $end ] || fail "after 5 seconds there are $(tables)"
		sleep 0.02
	done
}

# An apply whose generation before stays: synfwd serves, and stands still.
before_synfwd_looks() { # NAME
	serves
	kill -STOP "$PID"
	apply "$1"
}

synfwd_looks() { kill -CONT "$PID"; }

kill_synfwd() {
	kill -KILL "$PID"
	ends_with 137
}

test_without_synfwd_an_apply_gives_it_up_itself() {
	prepare
	apply west
	apply east
	are_kept east
	apply west
	are_kept west
	in_force west
}

test_synfwd_gives_it_up() {
	local name last=east
	prepare
	apply east
	start
	for name in west east east west; do
		before_synfwd_looks $name
		are_kept $last $name
		in_force $name
		synfwd_looks
		soon_only $name
		in_force $name
		last=$name
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
	serves
	for i in $(seq 10); do
		if [ $((i % 2)) = 0 ]; then apply east; else apply west; fi
	done
	in_force east
	soon_only east
	before_synfwd_looks west
	apply east
	are_kept west east
	in_force east
	apply east
	are_kept east east
	synfwd_looks
	soon_only east
	in_force east
	stop
}

# A first policy while it runs: it is told of the new datapath.
test_synfwd_that_was_there_first() {
	local before
	prepare
	start
	apply west
	before_synfwd_looks east
	are_kept west east
	synfwd_looks
	soon_only east
	before=$(datapath_served)
	exits 0 synfw detach
	apply west
	serves "$before"
	before_synfwd_looks east
	are_kept west east
	synfwd_looks
	soon_only east
	stop
}

test_when_synfwd_dies_the_next_apply_does_it() {
	prepare
	apply east
	start
	before_synfwd_looks west
	kill_synfwd
	in_force west
	are_kept east west
	apply east
	are_kept east
	in_force east
}

# Those that the policy is of no concern to: of another network namespace, and of another datapath, which
# it serves.
test_a_synfwd_that_does_not_serve_is_not_left_anything() {
	prepare
	apply east
	start_elsewhere
	kill -STOP "$PID"
	apply west
	are_kept west
	kill_synfwd
	exits 0 on_client env SYNFW_BPFFS="$T/elsewhere" "$SYNFW" apply "$T/plain.yaml"
	SYNFW_BPFFS=$T/elsewhere nsenter --net="/run/netns/$CLIENT" "$SYNFWD" 2>"$T/synfwd.err" &
	PID=$!
	for _ in $(seq 100); do
		[ "$(synfw status --json | jq .agent.running)" != true ] || break
		sleep 0.05
	done
	serves
	kill -STOP "$PID"
	apply east
	are_kept east
	kill_synfwd
	exits 0 on_client env SYNFW_BPFFS="$T/elsewhere" "$SYNFW" detach
}

test_a_datapath_that_is_gone_is_not_served() {
	prepare
	apply east
	start
	serves
	kill -STOP "$PID"
	exits 0 synfw detach
	apply east
	apply west
	are_kept west
	kill_synfwd
	# nor what the one before has served, by one that cannot look
	apply east
	start
	serves
	kill_synfwd
	start env LD_PRELOAD="$TOOLS/libfail_bpf.so" FAIL_BPF_AT=1 FAIL_BPF_LAST=100000 FAIL_BPF_ERRNO=12
	apply west
	are_kept west
	kill_synfwd
}

# At each of its calls that waits or empties, one page, a set, other pages; what is left is then
# found by the next synfwd or the next apply.
test_synfwd_killed_half_way() {
	local command at left after=0
	prepare
	apply west
	for command in $UPDATE $DELETE; do
		for at in 1 2 3 4; do
			apply east
			start
			before_synfwd_looks west
			kill_synfwd
			run timeout 2 nsenter --net="/run/netns/$EDGE" env LD_PRELOAD="$TOOLS/libfail_bpf.so" \
				FAIL_BPF_COMMAND=$command FAIL_BPF_AT=$at FAIL_BPF_SIGNAL=9 "$SYNFWD"
			left=$(tables)
			echo "killed at call $at of command $command: $STATUS, $left"
			case $STATUS in
			137) [ "$left" = "$(tables_of west)" ] || after=$((after + 1)) ;;
			124) are_kept west ;;
			*) fail "synfwd ended with $STATUS" ;;
			esac
			in_force west
			if [ $((at % 2)) = 0 ]; then
				start
				soon_only west
				stop
			else
				apply east
				are_kept east
				apply west
			fi
			in_force west
		done
	done
	[ $after -ge 4 ] || fail "only $after times was something left"
}

# What a rule that went has noted must not act when the apply has ended: that is not left to synfwd.
test_rules_that_went_are_forgotten() {
	prepare
	apply east
	passes 2 "$(null_scan)"
	passes 1 "$(null_scan 81)"
	start
	before_synfwd_looks plain
	are_kept plain
	exits 0 synfw show scores --json
	json '[.scores[].parts[].rule] == ["odd-port"]'
	apply east
	exits 0 synfw show scores --json
	json '[.scores[].parts[].rule] == ["odd-port"]'
	equal "$(rule null-scan)" 0 "packets of a rule that is new again"
	synfwd_looks
	stop
}

# A rule that is new again counts from zero, whoever gave up the generation that it was in.
test_counters_begin_anew() {
	prepare
	apply east
	drops 3 "$(udp 23)"
	equal "$(rule telnet)" 3 "packets"
	start
	before_synfwd_looks west
	synfwd_looks
	soon_only west
	apply east
	equal "$(rule telnet)" 0 "packets of a rule that is new again"
	stop
}

process_tables() { state | grep -c '^ *map process_rules'; }

test_rules_on_processes_go_with_it() {
	prepare
	add_programs
	policy watches <<-E
		processes:
		  - {name: it, exec: $T/bin/good, action: flag}
	E
	policy observes <<-E
		processes:
		  - {name: it, exec: $T/bin/bad, action: flag}
	E
	PAGES+=([watches]=1 [observes]=1)
	apply watches
	start
	before_synfwd_looks observes
	equal "$(process_tables)" 2 "tables of rules on processes"
	synfwd_looks
	soon_only observes
	equal "$(process_tables)" 1 "tables of rules on processes"
	before_synfwd_looks watches
	apply observes
	equal "$(process_tables)" 2 "tables of rules on processes"
	runs bad
	runs good
	equal "$(process_rule it)" 1 "programs flagged"
	synfwd_looks
	soon_only observes
	equal "$(process_tables)" 1 "tables of rules on processes"
	stop
}
