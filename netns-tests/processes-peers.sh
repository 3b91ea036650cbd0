# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# What rules on processes do to the peers of a process.
. "$SOURCE/netns-tests/lib-talk.sh"

blocked() { synfw show blocks --json | jq -r '[.blocks[].source] | if . == [] then "none" else join(" ") end'; }

# From another address of the client, which nobody has talked with.
neighbour_passes() { passes 3 "proto=udp,src=192.0.2.9,dst=$EDGE4,dport=5"; }

test_later_peers_are_blocked_from_their_next_packet_on() {
	prepare
	apply_processes "- {name: talker, exec: $T/bin/talks, action: flag, peers: block 10m}" "$MORE"
	equal "$(process_hooks)" "connect4 connect6 exec exit fork recvmsg4 recvmsg6 sendmsg4 sendmsg6 tcp-read" "hooks"
	# another program may
	begin_talk net
	equal "$(talk 'connects("a", "192.0.2.2") . asks("a")')" okyes "what another program gets"
	equal "$(blocked)" none "blocked sources"
	end_talk
	begin_talk talks
	echo 'connects("a", "192.0.2.3")' >&8 # which nobody is seen to answer
	wait_blocked 192.0.2.3
	exits 1 synfw why 192.0.2.3
	grep -qF "by rule \"talker\" at $T/live.yaml:5, as a peer of process $WORKER" "$T/out" ||
		{ cat "$T/out" >&2; fail "why does not tell whose peer it is"; }
	exits 0 synfw show blocks --json
	json ".count == 1 and (.blocks[0] | .source == \"192.0.2.3\" and .cause == \"peer\" and .rule == \"talker\" and
		.line == 5 and .pid == $WORKER and .expires_in_s > 580 and .expires_in_s <= 600)"
	exits 0 synfw why "$WORKER"
	grep -qF "peers:      blocked for 600 s, by rule \"talker\" at $T/live.yaml:5" "$T/out" ||
		{ cat "$T/out" >&2; fail "why PID does not tell"; }
	exits 0 synfw why "$WORKER" --json
	json '.peers | .block and .block_s == 600 and .score == 0 and .rule == "talker"'
	exits 0 synfw events --json
	json ".kind == \"process\" or (.kind == \"block\" and .src == \"192.0.2.3\" and .rule == \"talker\" and
		.peer_of == $WORKER)"
	neighbour_passes
	drops 3 "proto=udp,src=192.0.2.3,dst=$EDGE4,dport=5"
	exits 0 synfw unblock 192.0.2.3
	passes 3 "proto=udp,src=192.0.2.3,dst=$EDGE4,dport=5"
	end_talk
}

wait_blocked() { # SOURCES
	local i
	for i in $(seq 40); do
		[ "$(blocked)" != "$1" ] || return 0
		sleep 0.1
	done
	fail "blocked is \"$(blocked)\", and not \"$1\""
}

test_sockets_from_before_are_found() {
	prepare
	apply_processes "- {name: talker, exec: $T/bin/talks, action: flag, peers: block 3s}" "$MORE"
	begin_talk net
	equal "$(talk 'connects("a", "192.0.2.2") . asks("a")')" okyes "a connection"
	equal "$(talk 'connects("b", "2001:db8:0:1::3") . asks("b")')" okyes "a connection of IPv6"
	equal "$(talk 'connects("c", "127.0.0.1")')" not "a connection to nobody"
	neighbour_passes
	# keeps its sockets, and becomes a program that the rule matches
	echo 'fcntl($_, 2, 0) for values %s; exec "'"$T/bin/talks"'", "-e", "sleep 60"' >&8
	sleep 0.5
	exits 0 synfw why 192.0.2.2
	grep -q "marked:     as a peer of process $WORKER, by rule \"talker\" at $T/live.yaml:5: its next packet is dropped" "$T/out" ||
		{ cat "$T/out" >&2; fail "why does not tell of the mark"; }
	exits 1 synfw trace --from 192.0.2.2 --to 5/udp --json
	json '.reason == "blocked"'
	neighbour_passes
	drops 3 "proto=udp,src=192.0.2.2,dst=$EDGE4,dport=5"
	drops 3 "proto=udp,src=2001:db8:0:1::77,dst=$EDGE6,dport=5"
	equal "$(blocked)" "192.0.2.2 2001:db8:0:1::/64" "blocked sources"
	sleep 3
	passes 3 "proto=udp,src=192.0.2.2,dst=$EDGE4,dport=5"
	equal "$(blocked)" none "blocked sources"
	end_talk
}

test_who_is_accepted_and_who_sends_is_a_peer() {
	prepare
	apply_processes "- {name: talker, exec: $T/bin/talks, action: flag, peers: block 10m}" "$MORE"
	begin_talk talks
	accept_from 192.0.2.3
	exits 0 synfw why 192.0.2.3 --json
	json ".mark.pid == $WORKER and .mark.blocks and .mark.rule == \"talker\""
	drops 2 "proto=udp,src=192.0.2.3,dst=$EDGE4,dport=5"
	equal "$(talk 'sends("u", "192.0.2.2")')" ok "a datagram"
	wait_blocked "192.0.2.2 192.0.2.3"
	equal "$(talk 'answers("u")')" no "whether an answer comes through"
	equal "$(talk 'socket($s{d}, AF_INET, SOCK_DGRAM, 0); bind($s{d}, sockaddr_in(4713, INADDR_ANY)) ? "ok" : "not"')" ok "a server of datagrams"
	on_client /usr/bin/perl -MIO::Socket::IP -e '
		IO::Socket::IP->new(PeerAddr => "192.0.2.1", PeerPort => 4713, LocalAddr => "192.0.2.4", Proto => "udp")->send("x")'
	equal "$(talk 'recv($s{d}, $x, 9, 0) ? "got" : "not"')" got "a datagram from others"
	exits 0 synfw why 192.0.2.4 --json
	json ".mark.pid == $WORKER"
	drops 2 "proto=udp,src=192.0.2.4,dst=$EDGE4,dport=5"
	end_talk
}

test_peers_of_an_isolated_process_are_blocked() {
	prepare
	apply_processes "- {name: talker, exec: $T/bin/talks, action: isolate, fallback: partial, peers: block 10m}" "$MORE"
	begin_talk net
	equal "$(talk 'connects("a", "192.0.2.2") . asks("a")')" okyes "a connection"
	# keeps its socket, and becomes a program that the rule matches
	echo 'fcntl($_, 2, 0) for values %s; exec "'"$T/bin/talks"'", "-e", "sleep 60"' >&8
	sleep 0.5
	exits 1 synfw why "$WORKER" --json
	json '.isolated and .rule == "talker" and .peers.block_s == 600'
	drops 2 "proto=udp,src=192.0.2.2,dst=$EDGE4,dport=5"
	equal "$(blocked)" 192.0.2.2 "blocked sources"
	end_talk
}

test_children_have_peers_too() {
	prepare
	apply_processes "- {name: talker, exec: $T/bin/talks, action: flag, peers: block 10m}" "$MORE"
	# shellcheck disable=SC2016
	on_edge "$T/bin/talks" -e 'exec @ARGV if fork == 0; wait' /usr/bin/perl -MIO::Socket::IP -e \
		'IO::Socket::IP->new(PeerAddr => "192.0.2.2", PeerPort => 4711, Proto => "udp")->send("x")'
	wait_blocked 192.0.2.2
	neighbour_passes
}

test_protected_and_exempt_peers_are_not_blocked() {
	prepare
	ip -n "$EDGE" route add default via 192.0.2.4
	policy live <<-E
		$MORE
		protect: [{from: 192.0.2.3}]
		processes: [{name: talker, exec: $T/bin/talks, action: flag, peers: block 10m}]
	E
	apply live
	begin_talk talks
	for to in 192.0.2.3 192.0.2.4 $EDGE4; do
		equal "$(talk "connects('a', '$to')")" "$([ $to = $EDGE4 ] && echo not || echo ok)" "a connection to $to"
	done
	equal "$(talk 'connects("a", "192.0.2.3") . asks("a")')" okyes "what is protected"
	equal "$(blocked)" none "blocked sources"
	exits 0 synfw why 192.0.2.4 --json
	json '.mark == null and .blocked == false and .exempt == "gateway"'
	exits 0 synfw why $EDGE4 --json
	json '.mark == null'
	equal "$(talk 'sends("b", "192.0.2.2")')" ok "a datagram"
	wait_blocked 192.0.2.2
	end_talk
}

test_monitor_blocks_nobody() {
	local mode
	prepare
	apply_processes "- {name: talker, exec: $T/bin/talks, action: flag, peers: block 10m}" "$MORE"$'\nmode: monitor'
	begin_talk talks
	equal "$(talk 'connects("a", "192.0.2.2") . asks("a")')" okyes "a connection in mode monitor"
	equal "$(process_rule talker) $(process_rule talker would)" "1 1" "matches, and would"
	exits 1 synfw why 192.0.2.2
	grep -q "would be blocked" "$T/out" || { cat "$T/out" >&2; fail "why does not say that it would be"; }
	exits 0 synfw why "$WORKER"
	grep -qF "peers:      would be blocked for 600 s" "$T/out" || { cat "$T/out" >&2; fail "why PID"; }
	# what a policy that only monitored has found counts for nothing
	apply_processes "- {name: talker, exec: $T/bin/talks, action: flag, peers: block 10m}" "$MORE"
	equal "$(talk 'connects("b", "192.0.2.3") . asks("a") . asks("b")')" okyesyes "connections in mode block"
	apply_processes "- {name: talker, exec: $T/bin/talks, action: flag, peers: block 10m, mode: monitor}" "$MORE"
	end_talk
	begin_talk talks
	equal "$(talk 'connects("b", "192.0.2.3") . asks("b")')" okyes "a connection, under a rule that monitors"
	equal "$(process_rule talker) $(process_rule talker would)" "2 2" "matches, and would"
	end_talk
}

test_peers_are_given_points() {
	prepare
	apply_processes "- {name: talker, exec: $T/bin/talks, action: flag, peers: score 40}" "$MORE"$'\nscoring: {flag-at: 30, drop-at: 100, decay: 1/h, block-for: 10m}'
	begin_talk talks
	equal "$(talk 'connects("a", "192.0.2.2") . asks("a") . asks("a")')" okyesyes "a connection below drop-at"
	equal "$(talk 'connects("b", "192.0.2.2") . asks("b")')" okyes "another one of the same process"
	exits 0 synfw why 192.0.2.2 --json
	json '.blocked == false and (.score.score | . == 39 or . == 40) and .score.flagged and
		(.score.parts | length == 1 and .[0].rule == "talker" and .[0].line == 5 and .[0].hits == 1)'
	for i in 1 2; do
		on_edge "$T/bin/talks" -MIO::Socket::IP -e \
			'IO::Socket::IP->new(PeerAddr => "192.0.2.2", PeerPort => 4711, Proto => "udp")->send("x")'
		sleep 0.3
	done
	exits 1 synfw why 192.0.2.2
	grep -q "its score reached 1[12][0-9], with points of \"talker\" at $T/live.yaml:5" "$T/out" ||
		{ cat "$T/out" >&2; fail "why does not tell of the points"; }
	equal "$(talk 'asks("b")')" no "whether an answer comes through"
	exits 0 synfw events --json
	jq -es 'map(select(.kind != "process")) | map([.kind, .rule]) ==
		[["flag", "talker"], ["block", "talker"]]' "$T/out" >/dev/null || { cat "$T/out" >&2; fail "events"; }
	end_talk
}

test_a_reload_keeps_marks_and_detach_does_not() {
	prepare
	apply_processes "- {name: talker, exec: $T/bin/talks, action: flag, peers: block 10m}
		- {name: gone, exec: $T/bin/net, action: flag, peers: block 10m}" "$MORE"
	mark() { # PROGRAM ADDRESS: of whom nobody answers
		on_edge "$T/bin/$1" -MIO::Socket::IP -e \
			'IO::Socket::IP->new(PeerAddr => $ARGV[0], PeerPort => 9, Proto => "udp")->send("x")' "$2"
	}
	ip -n "$EDGE" neighbour replace 192.0.2.50 lladdr 02:00:00:00:00:50 dev eth0 nud permanent
	ip -n "$EDGE" neighbour replace 192.0.2.51 lladdr 02:00:00:00:00:51 dev eth0 nud permanent
	mark talks 192.0.2.50
	mark net 192.0.2.51
	apply_processes "- {name: talker, exec: $T/bin/talks, action: flag, peers: block 10m}" "$MORE"
	exits 0 synfw why 192.0.2.50 --json
	json '.mark.rule == "talker"'
	exits 0 synfw why 192.0.2.51 --json
	json '.mark == null'
	exits 0 synfw unblock 192.0.2.50
	equal "$(cat "$T/out")" "192.0.2.50 is not blocked; forgot its mark as a peer of a process" "what unblock says"
	passes 2 "proto=udp,src=192.0.2.50,dst=$EDGE4,dport=5"
	mark talks 192.0.2.50
	exits 0 synfw unblock --all
	passes 2 "proto=udp,src=192.0.2.50,dst=$EDGE4,dport=5"
	mark talks 192.0.2.50
	exits 0 synfw detach
	apply live
	passes 2 "proto=udp,src=192.0.2.50,dst=$EDGE4,dport=5"
}

# The flag of a process ends with the last rule that has peers.
test_what_was_matched_before_ends_with_the_rules() {
	prepare
	apply_processes "- {name: talker, exec: $T/bin/talks, action: flag, peers: block 10m}" "$MORE"
	begin_talk talks
	apply_processes "- {name: talker, exec: $T/bin/talks, action: flag}" "$MORE"
	equal "$(process_hooks)" "exec exit fork" "hooks without peers"
	apply_processes "- {name: other, exec: $T/bin/other, action: flag, peers: block 10m}" "$MORE"
	equal "$(talk 'connects("a", "192.0.2.2") . asks("a")')" okyes "a connection of who was matched long ago"
	equal "$(blocked)" none "blocked sources"
	end_talk
}

test_a_hook_that_cannot_be_had_names_the_rule() {
	prepare
	policy live <<-E
		processes: [{name: other, exec: $T/bin/other, action: flag}, {name: talker, exec: $T/bin/talks, action: flag, peers: block 10m}]
	E
	# shellcheck disable=SC2016
	run on_edge unshare -m sh -c 'grep cgroup2 /proc/self/mounts | cut -d" " -f2 | xargs -n 1 umount -l; exec "$@"' none \
		"$SYNFW" apply "$T/live.yaml"
	equal "$STATUS" 7 "status of apply without a hierarchy of cgroups"
	says "rule \"talker\" isolates processes or asks for their peers"
	equal "$(live_policy)" none "the policy in force"
}

test_a_released_process_has_its_peers_to_itself() {
	prepare
	apply_processes "- {name: talker, exec: $T/bin/talks, action: flag, peers: block 10m}" "$MORE"
	begin_talk talks
	exits 0 synfw why "$WORKER" --json
	json ".undo == [\"synfw release $WORKER\"]"
	exits 0 synfw release "$WORKER" --json
	json '.processes[0] | .released and .flagged and .peers and .isolated == false'
	equal "$(talk 'connects("a", "192.0.2.3") . asks("a")')" okyes "what it gets once it is released"
	equal "$(blocked)" none "blocked sources"
	exits 0 synfw why "$WORKER" --json
	json '.peers == null and .undo == []'
	end_talk
}
