# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# What talks with a source that is blocked is flagged.
. "$SOURCE/netns-tests/lib-talk.sh"

# From 192.0.2.2, 192.0.2.3 and 2001:db8:0:1::3 a probe of port 23 blocks.
apply_on_peer_block() { # [YAML]
	policy live <<-E
		$MORE
		rules: [{name: probe, to: 23/tcp, action: drop, block: 10m}]
		process-scoring: {on-peer-block: flag}
		${1:-}
	E
	apply live
}

probe() { # SOURCE: it is blocked for that
	drops 1 "proto=tcp,src=$1,dst=$([[ $1 = *:* ]] && echo $EDGE6 || echo $EDGE4),dport=23"
}

connect_beside() { # ADDRESS: another process, whose number it says
	on_edge /usr/bin/perl -MIO::Socket::IP -e '
		my $s = IO::Socket::IP->new(PeerAddr => shift, PeerPort => 4711) or die $@;
		open my $file, ">", shift; print $file $$; close $file; sleep 60' "$1" "$T/beside" >/dev/null &
	local i
	for i in $(seq 50); do [ ! -s "$T/beside" ] || break; sleep 0.1; done
	cat "$T/beside"
}

why_talker() { # FILTER: of the process that talks
	run synfw why "$WORKER" --json
	json "$1"
}

# Talks are known by address alone: processes of other cases, in namespaces of theirs, have some, too.
flag_events() { # FILTER: of what events tell of the process that talks, an array
	exits 0 synfw events --json
	jq -es "map(select(.kind == \"process\" and .pid == $WORKER)) | $1" "$T/out" >/dev/null ||
		{ cat "$T/out" >&2; fail "events are not as expected: $1"; }
}

test_who_talks_with_a_source_is_flagged_when_it_is_blocked() {
	local other
	prepare
	apply_on_peer_block
	equal "$(process_hooks)" "connect4 connect6 exec exit fork recvmsg4 recvmsg6 sendmsg4 sendmsg6 tcp-read" "hooks"
	other=$(connect_beside 192.0.2.3)
	begin_talk talks
	equal "$(talk 'connects("a", "192.0.2.2") . asks("a")')" okyes "a connection"
	why_talker '.flagged == false and .blocked_peer == null and .undo == []'
	probe 192.0.2.2
	why_talker ".flagged and .blocked_peer == \"192.0.2.2\" and .rule == null and .undo == [\"synfw release $WORKER\"]"
	exits 0 synfw why "$WORKER"
	grep -q "flagged:    since .*, by on-peer-block" "$T/out" &&
		grep -qF 'talks with: 192.0.2.2, which was blocked; or who forked it did: see `synfw why 192.0.2.2`' "$T/out" ||
		{ cat "$T/out" >&2; fail "why does not tell who it talks with"; }
	flag_events "length == 1 and (.[0] | .event == \"peer-block\" and .action == \"flag\" and
		.peer == \"192.0.2.2\" and .comm == \"talks\" and .uid == 0 and .monitor == false and .spared == false)"
	exits 0 synfw why "$other" --json
	json '.flagged == false'
	# told once
	probe 192.0.2.3
	exits 0 synfw why "$other" --json
	json '.flagged and .blocked_peer == "192.0.2.3"'
	equal "$(talk 'sends("b", "192.0.2.3")')" ok "a datagram to another one who is blocked"
	flag_events 'length == 0'
	why_talker '.blocked_peer == "192.0.2.2"'
	exits 0 synfw release "$WORKER"
	grep -qF "it was flagged, it or who forked it talked with a source that was blocked" "$T/out" ||
		{ cat "$T/out" >&2; fail "release does not tell what it was"; }
	why_talker '.flagged == false and .blocked_peer == null'
	# what it turned to while it was flagged counts, too
	exits 0 synfw unblock 192.0.2.3
	exits 0 synfw block 192.0.2.3
	why_talker '.flagged and .blocked_peer == "192.0.2.3"'
	end_talk
	kill "$other"
}

# Both are flagged by one packet, and neither has it from the other.
test_release_of_one_who_talks_leaves_the_other() {
	local other
	prepare
	apply_on_peer_block
	other=$(connect_beside 192.0.2.2)
	begin_talk talks
	equal "$(talk 'connects("a", "192.0.2.2") . asks("a")')" okyes "a connection"
	probe 192.0.2.2
	exits 0 synfw release "$WORKER" --json
	json '.processes[0] | .released and .talked and .heirs == 0'
	exits 0 synfw why "$other" --json
	json '.flagged'
	end_talk
	kill "$other"
}

test_who_talks_with_a_gateway_in_a_blocked_source_is_not_flagged() {
	prepare
	ip -n "$EDGE" -6 route add default via 2001:db8:0:1::53
	apply_on_peer_block
	probe 2001:db8:0:1::3
	begin_talk talks
	equal "$(talk 'sends("u", "2001:db8:0:1::53")')" ok "a datagram to the gateway"
	why_talker '.flagged == false'
	equal "$(talk 'sends("u", "2001:db8:0:1::54")')" ok "a datagram to its neighbour"
	why_talker '.flagged and .blocked_peer == "2001:db8:0:1::/64"'
	end_talk
}

# As one that was killed while it removed the rules on processes leaves it.
test_the_way_from_the_packets_is_made_again() {
	local link
	prepare
	apply_on_peer_block
	for link in talks processes events; do
		bpftool map delete pinned "$(echo "$SYNFW_BPFFS"/abi*/"synfw_link_$link")" key 0 0 0 0
	done
	apply_on_peer_block
	begin_talk talks
	equal "$(talk 'connects("a", "192.0.2.2") . asks("a")')" okyes "a connection"
	probe 192.0.2.2
	why_talker '.flagged'
	end_talk
}

test_who_turns_to_a_blocked_source_is_flagged() {
	prepare
	apply_on_peer_block
	probe 192.0.2.2
	probe 2001:db8:0:1::3
	begin_talk talks
	equal "$(talk 'connects("a", "192.0.2.3") . asks("a")')" okyes "a connection to who is not blocked"
	why_talker '.flagged == false'
	# all of that /64 are one source
	equal "$(talk 'sends("u", "2001:db8:0:1::77")')" ok "a datagram to an address of a source that is blocked"
	why_talker '.flagged and .blocked_peer == "2001:db8:0:1::/64"'
	flag_events "length == 1 and (.[0] | .event == \"peer-block\" and .peer == \"2001:db8:0:1::/64\")"
	end_talk
}

test_talks_of_before_and_blocks_by_hand_count() {
	prepare
	begin_talk talks
	equal "$(talk 'connects("a", "192.0.2.2") . asks("a")')" okyes "a connection before there is a policy"
	apply_on_peer_block
	exits 0 synfw block 192.0.2.2
	why_talker '.flagged and .blocked_peer == "192.0.2.2"'
	end_talk
	# who is accepted, and who sends
	begin_talk talks
	accept_from 192.0.2.3
	probe 192.0.2.3
	why_talker '.flagged and .blocked_peer == "192.0.2.3"'
	end_talk
}

test_protected_processes_are_not_flagged_and_monitor_flags_nobody() {
	prepare
	apply_on_peer_block "protect: [{exec: $T/bin/talks}]"
	begin_talk talks
	equal "$(talk 'connects("a", "192.0.2.2") . asks("a")')" okyes "a connection"
	probe 192.0.2.2
	why_talker '.flagged == false and .blocked_peer == "192.0.2.2"'
	flag_events "map(.spared) == [true]"
	exits 0 synfw why "$WORKER"
	grep -q "is not flagged, as it is protected" "$T/out" || { cat "$T/out" >&2; fail "why does not say why not"; }
	# no more so under another policy, which tells of it anew
	apply_on_peer_block
	why_talker '.flagged == false and .blocked_peer == null'
	equal "$(talk 'sends("u", "192.0.2.2")')" ok "a datagram"
	why_talker '.flagged and .blocked_peer == "192.0.2.2"'
	exits 0 synfw release "$WORKER"
	apply_on_peer_block "protect: [{exec: $T/bin/talks}]"
	# what it starts is not protected
	ip -n "$EDGE" neighbour replace 192.0.2.50 lladdr 02:00:00:00:00:50 dev eth0 nud permanent
	exits 0 synfw block 192.0.2.50
	equal "$(talk "system('$T/bin/net', '-MIO::Socket::IP', '-e', 'IO::Socket::IP->new(PeerAddr => \"192.0.2.50\", PeerPort => 9, Proto => \"udp\")->send(\"x\")') ? 'not' : 'ok'")" ok "a program that it starts"
	exits 0 synfw events --json
	jq -es 'map(select(.event == "peer-block" and .comm == "net")) | length == 1 and
		(.[0] | .spared == false and .peer == "192.0.2.50")' "$T/out" >/dev/null || { cat "$T/out" >&2; fail "its program was not flagged"; }
	end_talk
	apply_on_peer_block "mode: monitor"
	begin_talk talks
	equal "$(talk 'connects("a", "192.0.2.3") . asks("a")')" okyes "a connection in mode monitor"
	passes 1 "proto=tcp,src=192.0.2.3,dst=$EDGE4,dport=23"
	why_talker '.flagged == false and .blocked_peer == "192.0.2.3"'
	flag_events "map(.monitor) == [true]"
	exits 0 synfw release "$WORKER" --json
	json '.processes[0] | .released and .talked and .flagged == false and .heirs == 0'
	# what only would have been blocked is not blocked now
	apply_on_peer_block
	equal "$(talk 'asks("a")')" yes "an answer in mode block"
	why_talker '.flagged == false and .blocked_peer == null'
	end_talk
}

test_nobody_is_flagged_once_no_policy_asks_for_it() {
	prepare
	apply_on_peer_block
	begin_talk talks
	equal "$(talk 'connects("a", "192.0.2.2") . asks("a")')" okyes "a connection"
	policy live <<-E
		$MORE
		rules: [{name: probe, to: 23/tcp, action: drop, block: 10m}]
		processes: [{name: bad, exec: $T/bin/bad, action: flag}]
	E
	apply live
	equal "$(process_hooks)" "exec exit fork" "hooks"
	probe 192.0.2.2
	why_talker '.flagged == false'
	policy live <<-E
		rules: [{name: probe, to: 23/tcp, action: drop, block: 10m}]
	E
	apply live
	equal "$(process_pins | wc -l)" 0 "pins of a policy that has nothing to do with processes"
	apply_on_peer_block
	exits 0 synfw status --json
	json '.warnings == []'
	end_talk
}
