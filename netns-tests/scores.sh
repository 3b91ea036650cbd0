# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Scores of sources: points come, leak, flag and block.

A=198.51.100.7 B=198.51.100.8

null_scan() { echo "proto=tcp,src=$1,dst=$EDGE4,dport=${2:-80},flags=0"; }
udp() { echo "proto=udp,src=$1,dst=$EDGE4,dport=5"; }

prepare() { # [DECAY [BLOCK-FOR [MODE]]]
	add_hosts
	policy live <<-E
		mode: ${3:-block}
		protect:
		  - {from: 10.20.0.0/16, to: 22/tcp}
		scoring: {flag-at: 50, drop-at: 100, decay: ${1:-1/h}, block-for: ${2:-[5s, 1h]}}
		rules:
		  - {name: null-scan, proto: tcp, flags: none, score: 40}
		  - {name: odd-port, to: 81/tcp, score: 5}
		  - {name: rest, from: any, action: allow}
	E
	apply live
}

score() { # SOURCE
	synfw show scores --json | jq --arg source "$1" \
		'[.scores[] | select(.source == $source) | .score] | .[0] // 0'
}

test_points_add_up_and_are_explained() {
	prepare
	passes 1 "$(null_scan $A)"
	passes 1 "$(null_scan $A 81)"
	passes 1 "$(null_scan $B)"
	exits 0 synfw show scores --json
	json '[.scores[] | [.source, .score]] == [["198.51.100.7", 84], ["198.51.100.8", 39]] and
		.flag_at == 50 and .drop_at == 100'
	json '.scores[0].parts == [{rule: "null-scan", line: 9, points: 80, hits: 2},
		{rule: "odd-port", line: 10, points: 5, hits: 1}]'
	exits 0 synfw why $A
	grep -qF "score:      84, above flag-at 50, drop-at 100; 0 in" "$T/out" || fail "why does not tell the score"
	grep -qF ": null-scan 80 (2 packets), odd-port 5" "$T/out" || fail "why does not tell of what"
	exits 0 synfw why $A --json
	json '.blocked == false and .score.flagged and .score.score == 84 and .undo == ["synfw unblock 198.51.100.7"]'
	exits 0 synfw status --json
	json '.scores.count == 2 and .blocks.count == 0'
	exits 0 synfw unblock $A
	grep -qF "is not blocked; forgot its score of 84" "$T/out" || fail "unblock does not say what it forgot"
	equal "$(score $A) $(score $B)" "0 39" "scores"
}

# 100 points in two packets and a half: the third is dropped for it, what follows because it is blocked.
test_drop_at_blocks_and_the_block_ends() {
	prepare
	equal "$(traffic 7 "$(null_scan $A)")" "7 2" "frames sent, and passed"
	equal "$(reason score) $(reason blocked)" "1 4" "frames dropped for the score, and as blocked"
	drops 3 "$(udp $A)"
	passes 3 "$(udp $B)"
	exits 1 synfw why $A --json
	json '.block | .cause == "score" and .rule == "null-scan" and .line == 9 and .offences == 1 and
		(.score_then | . == 119 or . == 120) and .expires_in_s <= 5'
	sleep 5.1
	passes 3 "$(udp $A)"
	exits 0 synfw why $A
	drops 1 "$(null_scan $A)"
	exits 1 synfw why $A --json
	json '.block | .offences == 2 and .expires_in_s > 3500'
	exits 0 synfw unblock $A
	grep -qF "and forgot its score of 159 and 2 offences" "$T/out" || { cat "$T/out"; fail "unblock does not say what it forgot"; }
	passes 1 "$(null_scan $A)"
	equal "$(score $A)" 39 "score after unblock"
}

test_scores_leak() {
	prepare 20/s
	passes 2 "$(null_scan $A)"
	sleep 1
	[ "$(score $A)" -le 60 ] || fail "the score has not leaked"
	sleep 3.1
	equal "$(score $A)" 0 "score in the end"
	exits 0 synfw why $A
	equal "$(cat "$T/out")" "$A is not blocked" "what why says in the end"
}

test_protected_sources_are_not_scored() {
	prepare
	passes 20 "$(null_scan 10.20.0.5)"
	equal "$(score 10.20.0.5)" 0 "score of a protected source"
	equal "$(rule null-scan)" 20 "packets that matched"
	exits 0 synfw why 10.20.0.5 --json
	json '.protected and .blocked == false and .score == null'
	exits 0 synfw status --json
	json '.tallies.blocks_exempt >= 20 and .scores.count == 0'
}

test_trace_shows_the_score() {
	prepare
	passes 1 "$(null_scan $A)"
	exits 0 synfw trace --from $A --to 81/tcp --flags none --json
	json '.score == 45 and .score_before == 39 and .score_after == 84 and .established == false and
		.parts == [{rule: "null-scan", line: 9, points: 40, hits: 1},
			{rule: "odd-port", line: 10, points: 5, hits: 1}]'
	equal "$(score $A)" 39 "score after a trace"
	exits 0 synfw trace --from $A --to 80/tcp --flags none
	grep -qF "score 40: null-scan 40; its source has 39, and would have 79" "$T/out" ||
		{ cat "$T/out"; fail "trace does not tell the score"; }
	passes 1 "$(null_scan $A)"
	exits 1 synfw trace --from $A --to 80/tcp --flags none --json
	json '.reason == "score" and .score_after == 119'
	exits 1 synfw trace --policy "$T/live.yaml" --from $A --to 80/tcp --flags none --json
	json '.reason == "score" and .parts[0].rule == "null-scan"'
}

test_a_policy_that_monitors_only_counts() {
	prepare 1/h 1h monitor
	passes 7 "$(null_scan $A)"
	equal "$(reason score) $(reason blocked)" "1 4" "frames that would be dropped"
	exits 1 synfw why $A
	grep -qF "would be blocked" "$T/out" || fail "why does not say that it only would be"
	sed -i 's/mode: monitor/mode: block/' "$T/live.yaml"
	apply live
	passes 3 "$(udp $A)"
}

test_a_policy_without_scoring_holds_nothing() {
	prepare
	passes 2 "$(null_scan $A)"
	sed -i '/scoring:/d' "$T/live.yaml"
	apply live
	exits 0 synfw show scores --json
	json '.scores == [] and .drop_at == null'
	exits 0 synfw why $A --json
	json '.score == null'
}

# A hostile host: 21 ports in a moment. Nothing of synfw runs until it is blocked, and unblocked.
test_a_port_scan_is_flagged_and_blocked() {
	local port packets=()
	add_hosts
	policy scan <<-E
		scoring: {flag-at: 50, drop-at: 100, decay: 10/min, block-for: 5s}
		rules:
		  - {name: port-scan, proto: tcp, distinct-ports: {over: 17, within: 10s}, score: 40}
		  - {name: rest, from: any, action: allow}
	E
	apply scan
	for port in $(seq 1000 1015); do packets+=("proto=tcp,src=$A,dst=$EDGE4,dport=$port"); done
	"$TOOLS/frames" --from "$CLIENT/eth0" --to "$EDGE/eth0" --count 1 "${packets[@]}" >"$T/first"
	equal "$(grep -c '^1 1$' "$T/first")" 16 "probes that pass"
	exits 0 synfw why $A
	packets=()
	for port in $(seq 1016 1022); do packets+=("proto=tcp,src=$A,dst=$EDGE4,dport=$port"); done
	"$TOOLS/frames" --from "$CLIENT/eth0" --to "$EDGE/eth0" --count 1 "${packets[@]}" >"$T/second"
	equal "$(tr '\n' ' ' <"$T/second")" "1 1 1 1 1 1 1 0 1 0 1 0 1 0 " "probes sent, and passed"
	drops 3 "$(udp $A)"
	exits 0 synfw events --json
	# of packets within one tick of the clock nothing has leaked, or else a point
	jq -es '[.[] | select(.kind == "flag" or .kind == "block")] |
		map([.kind, .rule, (.score_after / 10 | round * 10)]) ==
		[["flag", "port-scan", 80], ["block", "port-scan", 120]]' "$T/out" >/dev/null ||
		{ cat "$T/out" >&2; fail "events are not as expected"; }
	sleep 5.1
	passes 3 "$(udp $A)"
}

# The counter of a rule that is gone is given to another one, with what the kernel remembers by it: a
# rate of the rule, rates of sources, ports tried, points.
test_a_new_rule_does_not_judge_by_what_another_one_left() {
	local to
	add_hosts
	rules() { # FIRST NAME
		policy live <<-E
			scoring: {flag-at: 1000, decay: 1/h}
			rules:
			  - {name: of-all-$2, to: $1/udp, rate: {over: 1/h, burst: 1, per: rule}, action: drop}
			  - {name: first-$2, to: $(($1 + 1))/udp, rate: {over: 1/h, burst: 1}, action: drop}
			  - {name: second-$2, to: $(($1 + 2))/udp, rate: {over: 1/h, burst: 1}, action: drop}
			  - {name: ports-$2, to: $(($1 + 10))-$(($1 + 20))/udp, distinct-ports: {over: 2, within: 1h}, action: drop}
			  - {name: points-$2, to: $(($1 + 30))/udp, score: 7}
			  - {name: rest, from: any, action: allow}
		E
		apply live
	}
	rules 100 a
	for to in 100 101 102 110 111 130; do passes 1 "proto=udp,src=$A,dst=$EDGE4,dport=$to"; done
	for to in 100 101 102 112; do drops 1 "proto=udp,src=$A,dst=$EDGE4,dport=$to"; done
	policy none <<-E
		scoring: {flag-at: 1000, decay: 1/h}
		rules: [{name: rest, from: any, action: allow}]
	E
	apply none
	exits 0 synfw show scores --json
	json '.scores | length == 1 and .[0].score == 6'
	rules 200 b
	exits 0 synfw show scores --json
	json '.scores[0].parts == []'
	for to in 200 201 202 210 211 230; do passes 1 "proto=udp,src=$A,dst=$EDGE4,dport=$to"; done
	for to in 200 201 202 212; do drops 1 "proto=udp,src=$A,dst=$EDGE4,dport=$to"; done
}

# One apply that takes a rule away and brings another: what the new one has done so far stays.
test_what_a_new_rule_did_meanwhile_stays() {
	local name i
	add_hosts
	for name in a b; do
		policy $name <<-E
			scoring: {flag-at: 1000000, decay: 1/h}
			rules:
			  - {name: points-$name, to: 100/udp, score: 1}
			  - {name: limited-$name, to: 101/udp, rate: {over: 2/h, burst: 2}, action: drop}
			  - {name: rest, from: any, action: allow}
		E
	done
	apply a
	"$TOOLS/frames" --from "$CLIENT/eth0" --to "$EDGE/eth0" --rate 2000 \
		"proto=udp,src=$A,dst=$EDGE4,dport=100" "proto=udp,src=$A,dst=$EDGE4,dport=101" >"$T/frames" &
	for i in 1 2 3; do
		sleep 0.3
		apply b
		sleep 0.3
		equal "$(synfw show scores --json | jq '[.scores[0].parts[] | select(.rule == "points-b")] | length')" 1 \
			"parts of the new rule"
		apply a
	done
	kill -TERM $!
	wait $! || fail "the frames ended badly"
	# two of each of the seven that each was new
	equal "$(sed -n 2p "$T/frames" | cut -d' ' -f2)" 14 "packets that the limit let through"
}
