# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Events: what is told of packets and sources, to one reader, now or as it happens.

A=198.51.100.7 B=198.51.100.8

null_scan() { echo "proto=tcp,src=$1,dst=$EDGE4,dport=80,sport=4242,flags=0"; }
telnet() { echo "proto=tcp,src=$1,dst=$EDGE4,dport=23,sport=4242"; }
udp() { echo "proto=udp,src=$1,dst=$EDGE4,dport=5"; }

prepare() { # [LOGGING [MODE]]
	add_hosts
	policy live <<-E
		mode: ${2:-block}
		logging: ${1:-"{events: [drop, block, flag], sample: 1/1, limit: 1000000/s}"}
		scoring: {flag-at: 50, drop-at: 100, decay: 1/h, block-for: 1h}
		rules:
		  - {name: telnet, to: 23/tcp, action: drop}
		  - {name: null-scan, proto: tcp, flags: none, score: 60}
		  - {name: seen, to: 7/udp, action: allow, log: true}
		  - {name: rest, from: any, action: allow}
	E
	apply live
}

begin_reader() { # [OPTION...]: events -f in the background
	nsenter --net="/run/netns/$EDGE" "$SYNFW" events -f "$@" >"$T/followed" 2>"$T/follower" &
	READER=$!
	for _ in $(seq 100); do
		[ -e "$T/run/events.lock" ] && break
		sleep 0.05
	done
	sleep 0.3
}

end_reader() { # SIGNAL: sets STATUS
	kill "-$1" "$READER"
	STATUS=0
	wait "$READER" || STATUS=$?
	equal "$STATUS" 0 "status of the reader"
}

test_an_event_says_everything_of_the_packet() {
	prepare
	drops 1 "$(telnet $A)"
	exits 0 synfw events --json
	equal "$(wc -l <"$T/out")" 1 "events"
	json 'del(.time, .bytes, .file, .ifindex) == {schema: "synfw.event/1", kind: "drop", verdict: "drop",
		monitor: false, reason: "rule-drop", src: "198.51.100.7", src_port: 4242,
		dst: "192.0.2.1", dst_port: 23, protocol: "tcp", protocol_number: 6,
		icmp_type: null, tcp_flags: "syn", interface: "eth0", vlan: null, sample: 1,
		first: true, score_before: 0, score_after: 0, parts: [], blocked_until: null, peer_of: null,
		rule: "telnet", line: 8}'
	json '(.time | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z$")) and
		((.time | sub("\\.[0-9]+"; "") | fromdate) - now | fabs) < 5 and .bytes > 50'
	exits 0 synfw events --json
	[ ! -s "$T/out" ] || fail "an event was told twice"
	drops 1 "$(telnet $A),vlan=7"
	exits 0 synfw events
	grep -Eq "^[-0-9T:.]+Z drop  $A:4242 > $EDGE4:23 tcp syn on eth0 vlan 7: rule-drop \"telnet\" at $T/live.yaml:8\$" \
		"$T/out" || { cat "$T/out" >&2; fail "the line is not as expected"; }
}

test_flags_and_blocks_are_told_once() {
	prepare
	equal "$(traffic 5 "$(null_scan $A)")" "5 1" "frames sent, and passed"
	passes 1 "proto=udp,src=$B,dst=$EDGE4,dport=7"
	exits 0 synfw events --json
	# of packets within one tick of the clock nothing has leaked, or else a point
	jq -es 'map([.kind, .reason, .rule,
		(.score_before, .score_after | . / 10 | round * 10)]) == [
		["flag", "rule-allow", "null-scan", 0, 60],
		["block", "score", "null-scan", 60, 120],
		["drop", "score", "null-scan", 60, 120],
		["drop", "blocked", "null-scan", 0, 0],
		["drop", "blocked", "null-scan", 0, 0],
		["drop", "blocked", "null-scan", 0, 0],
		["rule", "rule-allow", "seen", 0, 0]]' "$T/out" >/dev/null ||
		{ cat "$T/out" >&2; fail "events are not as expected"; }
	jq -es '.[1] | .parts == [{rule: "null-scan", line: 9, points: 60, hits: 1}] and
		((.blocked_until | sub("\\.[0-9]+"; "") | fromdate) - now - 3600 | fabs) < 5' "$T/out" \
		>/dev/null || { cat "$T/out" >&2; fail "the block is not as expected"; }
}

test_the_policy_says_what_is_told() {
	prepare "{events: [block], limit: 1000000/s}"
	drops 3 "$(telnet $B)"
	equal "$(traffic 5 "$(null_scan $A)")" "5 1" "frames sent, and passed"
	exits 0 synfw events --json
	json '.kind == "block"'
	equal "$(wc -l <"$T/out")" 1 "events"
}

test_drops_are_sampled_and_the_first_is_told() {
	prepare "{events: [drop], sample: 1/100, limit: 1000000/s}"
	drops 2000 "$(telnet $A)"
	drops 1 "$(telnet $B)"
	exits 0 synfw events --json
	jq -es 'map(select(.src == "198.51.100.7")) | .[0].first and .[0].sample == 1 and
		(length >= 5 and length <= 60) and (.[1:] | all(.sample == 100 and (.first | not)))' "$T/out" >/dev/null ||
		{ cat "$T/out" >&2; fail "the sample is not as expected"; }
	jq -es 'map(select(.src == "198.51.100.8")) | length == 1 and .[0].first' "$T/out" >/dev/null ||
		fail "the first of another source was not told"
	exits 0 synfw status --json
	json '.tallies.events_sampled > 1900'
}

test_the_limit_holds_back_and_says_so() {
	prepare "{events: [drop], sample: 1/1, limit: 10/s}"
	drops 500 "$(telnet $A)"
	exits 0 synfw events --json
	says "held back by logging.limit"
	jq -es 'map(select(.schema == "synfw.events/1")) | length == 1 and .[0].limited > 400 and .[0].lost == 0' \
		"$T/out" >/dev/null || { tail -1 "$T/out" >&2; fail "what was held back is not told"; }
	[ "$(grep -c '"kind"' "$T/out")" -le 100 ] || fail "the limit does not hold"
}

test_a_policy_that_monitors_tells_what_would_be() {
	prepare "" monitor
	passes 1 "$(telnet $A)"
	exits 0 synfw events --json
	json '.kind == "drop" and .monitor and .verdict == "drop"'
	passes 1 "$(telnet $A)"
	exits 0 synfw events
	grep -q " would drop " "$T/out" || fail "the line does not say that it only would be dropped"
}

test_following_over_a_reload_and_a_detach() {
	prepare
	begin_reader --json
	drops 2 "$(telnet $A)"
	sleep 0.5
	equal "$(jq -r .rule "$T/followed" | tr '\n' ' ')" "telnet telnet " "rules of what was followed"
	# the counter of a rule that is gone goes to another rule
	sed 's/name: telnet, to: 23/name: another, to: 25/' "$T/live.yaml" >"$T/next.yaml"
	apply next
	sed 's/name: telnet, to: 23/name: third, to: 23/' "$T/live.yaml" >"$T/third.yaml"
	apply third
	drops 1 "$(telnet $A)"
	sleep 0.5
	equal "$(jq -r .rule "$T/followed" | tail -1)" third "rule after a reload"
	exits 4 synfw events
	says "another process reads the events"
	exits 0 synfw detach
	sleep 2
	apply live
	sleep 2.5
	drops 1 "$(telnet $B)"
	sleep 0.5
	equal "$(jq -r '.rule + " " + .src' "$T/followed" | tail -1)" "telnet $B" "event after a detach"
	end_reader INT
	grep -qF "waiting for the next one" "$T/follower" || fail "the reader did not say that it waited"
	exits 0 synfw events
}

test_the_reader_of_a_reader_may_go() {
	prepare
	begin_reader
	end_reader TERM
	run bash -c "nsenter --net=/run/netns/$EDGE '$SYNFW' events -f | head -n 1" &
	local pipe=$!
	sleep 0.5
	drops 3 "$(telnet $A)"
	sleep 0.5
	drops 3 "$(telnet $A)"
	for _ in $(seq 40); do
		kill -0 $pipe 2>/dev/null || break
		sleep 0.1
	done
	! kill -0 $pipe 2>/dev/null || fail "the reader goes on without anybody who reads it"
	exits 0 synfw events
}

# Events are taken once: a log that misses them must not look complete.
test_events_that_cannot_be_written_are_an_error() {
	prepare
	drops 3 "$(telnet $A)"
	run bash -c "nsenter --net=/run/netns/$EDGE '$SYNFW' events >/dev/full"
	equal "$STATUS" 7 "exit code when events cannot be written"
	says "cannot write to the standard output: No space left on device"
	( sleep 1; drops 3 "$(telnet $A)" ) &
	run bash -c "timeout 20 nsenter --net=/run/netns/$EDGE '$SYNFW' events -f >/dev/full"
	equal "$STATUS" 7 "exit code when events that are followed cannot be written"
	wait
}

# 10,000 drops a second, all of them told: each is printed soon after its packet.
test_no_event_is_lost_at_a_rate() {
	prepare
	begin_reader --json
	"$TOOLS/frames" --from "$CLIENT/eth0" --to "$EDGE/eth0" --count 30000 --rate 10000 "$(telnet $A)" >"$T/sent"
	sleep 1
	equal "$(cat "$T/sent")" "30000 0" "frames sent, and passed"
	end_reader INT
	equal "$(wc -l <"$T/followed")" 30000 "events"
	[ ! -s "$T/follower" ] || { cat "$T/follower" >&2; fail "the reader has something to say"; }
}
