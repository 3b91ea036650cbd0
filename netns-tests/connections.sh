# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# What comes back to connections that the edge opens passes under default-drop, and nothing else does.
# The sockets are real ones, as the egress filter sees what they send; what nobody asked for is sent
# as single frames.

. "$SOURCE/netns-tests/tools/talk.sh"

# ---- what comes back -----------------------------------------------------------------------------

tcp_passes() { # EDGE_ADDRESS CLIENT_ADDRESS WORD FLOWS
	local port before
	says_ok listen there-$3 "$CLIENT" "$2" $SERVER
	port=$(talk connect here-$3 "$EDGE" "$1" "$2" $SERVER)
	[ "$port" -gt 0 ] || fail "cannot connect to $2: $port"
	says_ok accept peer-$3 there-$3
	reaches here-$3 peer-$3
	reaches peer-$3 here-$3
	before=$(reason established)
	# its own segments, out of nowhere, belong to it; to another port, or from one, they do not
	passes 10 "proto=tcp,src=$2,dst=$1,sport=$SERVER,dport=$port,flags=0x10"
	equal "$(($(reason established) - before))" 10 "packets of the connection"
	drops 10 "proto=tcp,src=$2,dst=$1,sport=$SERVER,dport=$((port ^ 1)),flags=0x10"
	drops 10 "proto=tcp,src=$2,dst=$1,sport=$((SERVER + 1)),dport=$port,flags=0x10"
	drops 10 "proto=udp,src=$2,dst=$1,sport=$SERVER,dport=$port"
	# with the same ports, too, a SYN opens a connection, which no rule allows
	drops 10 "proto=tcp,src=$2,dst=$1,sport=$SERVER,dport=$port,flags=0x02"
	before=$(($(reason established) - before))
	[ "$before" -ge 10 ] && [ "$before" -lt 20 ] || fail "$before packets count as established"
	equal "$(flows ".protocol == \"tcp\" and .state == \"established\"")" "$4" "TCP flows"
}

test_tcp_that_the_edge_opens_passes() {
	prepare
	apply strict
	tcp_passes $EDGE4 $CLIENT4 v4 1
	tcp_passes $EDGE6 $CLIENT6 v6 2
	equal "$(talk connect x "$CLIENT" $CLIENT4 $EDGE4 22)" timeout "a connection that no rule allows"
	exits 0 synfw status --json
	json '.flows.tcp == 2 and .flows.connected == 2 and .flows.unconnected == 0 and .flows.lost == 0'
	json '.warnings == []'
}

# What the packet path is told of the socket that sends from a port: 1, it is not connected.
unconnected() { # PORT
	bpftool -j map lookup pinned "$(echo "$SYNFW_BPFFS"/abi*/synfw_unconnected_udp)" \
		key hex $(printf '%02x %02x 00 00' $(($1 / 64 % 256)) $(($1 / 64 / 256))) |
		jq ".formatted.value as \$word | ($1 % 64) as \$bit |
			\$word / pow(2; \$bit) | floor % 2"
}

udp_passes() { # EDGE_ADDRESS CLIENT_ADDRESS WORD [PEER PORT]: that the socket is connected to
	local port
	talk udp server-$3 "$CLIENT" "$2" $DNS >/dev/null
	port=$(talk udp here-$3 "$EDGE" "$1" 0 "${@:4}")
	drops 10 "proto=udp,src=$2,dst=$1,sport=$DNS,dport=$port"
	if [ $# -gt 3 ]; then says_ok send here-$3; else says_ok send here-$3 "$2" $DNS; fi
	equal "$(unconnected "$port")" $(($# == 3)) "what the packet path is told of port $port"
	says_ok answer server-$3
	equal "$(talk hears here-$3)" yes "the answer of a server"
	passes 10 "proto=udp,src=$2,dst=$1,sport=$DNS,dport=$port"
	drops 10 "proto=udp,src=$2,dst=$1,sport=$((DNS + 1)),dport=$port"
	drops 10 "proto=udp,src=$2,dst=$1,sport=$DNS,dport=$((port ^ 1))"
	drops 10 "proto=tcp,src=$2,dst=$1,sport=$DNS,dport=$port,flags=0x10"
	case $1 in
	*:*) drops 10 "proto=udp,src=2001:db8::99,dst=$1,sport=$DNS,dport=$port" ;;
	*) drops 10 "proto=udp,src=192.0.2.99,dst=$1,sport=$DNS,dport=$port" ;;
	esac
	says_ok close server-$3
}

test_udp_that_the_edge_asks_passes() {
	prepare
	apply strict
	udp_passes $EDGE4 $CLIENT4 v4
	udp_passes $EDGE6 $CLIENT6 v6
	udp_passes $EDGE4 $CLIENT4 connected4 $CLIENT4 $DNS
	udp_passes $EDGE6 $CLIENT6 connected6 $CLIENT6 $DNS
	equal "$(reason established)" 44 "packets that belong to what the edge asked"
	exits 0 synfw status --json
	json '.flows.udp == 4 and .flows.connected == 2 and .flows.unconnected == 2'
}

test_ping_that_the_edge_sends_passes() {
	prepare
	apply strict
	on_edge ping -q -c 3 -i 0.05 -W 2 $CLIENT4 || fail "no answer over IPv4"
	on_edge ping -q -c 3 -i 0.05 -W 2 $CLIENT6 || fail "no answer over IPv6"
	equal "$(reason established)" 6 "echo replies"
	! on_client ping -q -c 2 -i 0.05 -W 1 $EDGE4 || fail "the edge answers"
	drops 10 "proto=icmp,src=$CLIENT4,dst=$EDGE4,type=0"
	exits 0 synfw show flows --json
	json '[.flows[] | select(.protocol == "icmp" and .state == "established")] | length == 1'
	json '[.flows[] | select(.protocol == "icmpv6" and .state == "established")] | length == 1'
}

error_passes() { # EDGE_ADDRESS CLIENT_ADDRESS
	local port
	port=$(talk udp asks "$EDGE" "$1" 0 "$2" 9)
	says_ok send asks
	# nobody listens there: the other side says so, and the socket hears it
	equal "$(talk hears asks)" "Connection refused" "what the edge hears"
	# and so do errors that are made up: about it, about another port, about another protocol
	says_ok error "$CLIENT" "$2" "$1" "$port" 9 17
	says_ok error "$CLIENT" "$2" "$1" "$((port ^ 1))" 9 17
	says_ok error "$CLIENT" "$2" "$1" "$port" 10 17
	says_ok error "$CLIENT" "$2" "$1" "$port" 9 6
	says_ok close asks
}

test_icmp_errors_about_a_connection_pass() {
	prepare
	apply strict
	error_passes $EDGE4 $CLIENT4
	equal "$(reason established) $(rule errors)" "2 3" "errors that pass, and that do not"
	error_passes $EDGE6 $CLIENT6
	equal "$(reason established) $(rule errors)" "4 6" "errors that pass, and that do not"
	# cut off inside what they carry, or with nothing to carry
	drops 10 "proto=icmp,src=$CLIENT4,dst=$EDGE4,type=3"
	drops 10 "proto=icmpv6,src=$CLIENT6,dst=$EDGE6,type=1"
}

# In the frame, as a raw socket sends it.
test_tagged_connections_pass() {
	local tags answer="proto=udp,src=$CLIENT4,dst=$EDGE4,sport=$DNS,dport=4000"
	prepare
	apply strict
	for tags in 7 7.8; do
		drops 10 "${answer}0,vlan=$tags"
		"$TOOLS/frames" --from "$EDGE/eth0" --to "$CLIENT/eth0" --count 1 \
			"proto=udp,src=$EDGE4,dst=$CLIENT4,sport=4000${#tags},dport=$DNS,vlan=$tags"
		passes 10 "$answer${#tags},vlan=$tags"
	done
	equal "$(flows '.protocol == "udp"')" 2 "connections"
}

# What this host sends without opening anything: it answers.
test_answers_of_the_edge_open_nothing() {
	local packet
	prepare
	apply strict
	for packet in tcp,sport=40001,dport=81,flags=0x12 tcp,sport=40001,dport=81,flags=0x04 \
		tcp,sport=40001,dport=81,flags=0x10 tcp,sport=40001,dport=81,flags=0x11 \
		icmp,type=0 icmp,type=3 udp,sport=40001,dport=81,fragment=100; do
		"$TOOLS/frames" --from "$EDGE/eth0" --to "$CLIENT/eth0" --count 5 \
			"proto=$packet,src=$EDGE4,dst=$CLIENT4" >/dev/null
	done
	"$TOOLS/frames" --from "$EDGE/eth0" --to "$CLIENT/eth0" --count 5 \
		"proto=udp,src=$EDGE4,dst=224.0.0.251,sport=5353,dport=5353" >/dev/null
	equal "$(flows true)" 0 "connections"
	drops 10 "proto=tcp,src=$CLIENT4,dst=$EDGE4,sport=81,dport=40001,flags=0x10"
	drops 10 "proto=icmp,src=$CLIENT4,dst=$EDGE4,type=0"
}

# ---- what ends -----------------------------------------------------------------------------------

ends_after_a_while() { # PORT: a straggler still belongs to it, and then nothing does
	local late="proto=tcp,src=$CLIENT4,dst=$EDGE4,sport=$SERVER,dport=$1,flags=0x10"
	passes 1 "$late"
	equal "$(flows '.state == "closed"')" 1 "closed connections"
	sleep 11
	drops 10 "$late"
	equal "$(flows true)" 0 "connections"
}

test_reset_by_the_other_side_ends_it() {
	local port
	prepare
	apply strict
	port=$(connected)
	says_ok reset peer
	ends_after_a_while "$port"
}

test_fins_of_both_sides_end_it() {
	local port
	prepare
	apply strict
	port=$(connected)
	says_ok shut here
	equal "$(flows '.state == "closing"')" 1 "closing connections"
	reaches peer here
	says_ok close peer
	equal "$(talk hears here)" end "what the edge hears"
	says_ok close here
	ends_after_a_while "$port"
}

# Nobody else knows the sequence numbers, but anybody can guess the ports.
test_forged_reset_ends_nothing_that_is_used() {
	local port
	prepare
	apply strict
	port=$(connected)
	passes 5 "proto=tcp,src=$CLIENT4,dst=$EDGE4,sport=$SERVER,dport=$port,flags=0x04"
	equal "$(flows '.state == "closed"')" 1 "closed connections"
	sleep 2.1
	reaches here peer
	equal "$(flows '.state == "established"')" 1 "established connections"
	sleep 9
	reaches peer here
}

# ---- rules, trace, and the check that locks nobody out --------------------------------------------

test_rules_on_state_judge_it() {
	local port
	prepare
	policy stateful <<-E
		defaults: {incoming: drop, established: rules, icmp: rules}
		rules:
		  - {name: answers, proto: [tcp, icmp], state: established, action: allow}
		  - {name: strangers, proto: tcp, state: new, action: drop}
	E
	apply stateful
	port=$(connected)
	reaches peer here
	[ "$(rule answers)" -ge 2 ] || fail "only $(rule answers) packets of the connection"
	on_edge ping -q -c 3 -i 0.05 -W 2 $CLIENT4 || fail "no answer"
	drops 10 "proto=tcp,src=$CLIENT4,dst=$EDGE4,sport=$SERVER,dport=$((port ^ 1)),flags=0x10"
	equal "$(rule strangers)" 10 "packets of nothing"
	equal "$(reason established)" 0 "packets that pass before the rules"
}

test_trace_knows_connections_and_tests_do_not() {
	local port
	prepare
	apply strict
	port=$(connected)
	exits 0 synfw trace --from "$CLIENT4:$SERVER" --to "$EDGE4:$port/tcp" --flags ack --json
	json '.verdict == "allow" and .reason == "established"'
	exits 1 synfw trace --from "$CLIENT4:$SERVER" --to "$EDGE4:$port/tcp" --flags syn --json
	json '.reason == "default-drop"'
	# one that is judged changes nothing: a RST would have closed it
	exits 0 synfw trace --from "$CLIENT4:$SERVER" --to "$EDGE4:$port/tcp" --flags rst --json
	equal "$(flows '.state == "established"')" 1 "established connections"
	{ cat "$T/strict.yaml"; echo "tests: [{from: '$CLIENT4:$SERVER', to: '$EDGE4:$port/tcp', flags: [ack], expect: drop}]"; } \
		>"$T/tested.yaml"
	apply tested
}

# A policy that lets new SSH connections in by their SYN leaves the rest to what is established.
test_lockout_check_counts_on_what_is_open() {
	local port
	prepare
	policy narrow <<-E
		defaults: {incoming: drop}
		rules: [{name: ssh, to: 22/tcp, flags: [syn, not ack], action: allow}]
	E
	policy without <<-E
		defaults: {incoming: drop}
		rules: [{name: web, to: 80/tcp, action: allow}]
	E
	apply open
	says_ok listen there "$EDGE" $EDGE4 22
	port=$(talk connect here "$CLIENT" $CLIENT4 $EDGE4 22)
	says_ok accept peer there
	export SSH_CONNECTION="$CLIENT4 $((port ^ 1)) $EDGE4 22"
	exits 4 synfw apply "$T/narrow.yaml"
	says "would cut the SSH connection"
	export SSH_CONNECTION="$CLIENT4 $port $EDGE4 22"
	# going on is not enough: one has to be able to come back
	exits 4 synfw apply "$T/without.yaml"
	says "would cut the SSH connection"
	apply narrow
	reaches here peer
}
