# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# What comes back to connections that the edge opens passes under default-drop, and nothing else does.
# The sockets are real ones, as the egress filter sees what they send; what nobody asked for is sent
# as single frames.

DNS=53 SERVER=5000

begin_talk() { # talk COMMAND... then prints the answer of tools/talk.py
	coproc TALK { exec python3 "$SOURCE/netns-tests/tools/talk.py"; }
	exec 7>&"${TALK[1]}" 8<&"${TALK[0]}"
}

talk() {
	local answer
	echo "$*" >&7
	read -r -t 600 answer <&8 || fail "no answer to \"$*\""
	echo "$answer"
}

says_ok() { equal "$(talk "$@")" ok "$*"; }
reaches() { equal "$(talk reaches "$@")" yes "reaches $*"; }
never_reaches() { equal "$(talk reaches "$@")" no "reaches $*"; }

prepare() { # [DEFAULTS]
	add_hosts
	add_ipv6
	add_neighbours
	begin_talk
	policy open <<<"defaults: {incoming: allow}"
	policy strict <<-E
		defaults: {incoming: drop, established: allow, icmp: rules${1:+, $1}}
		rules:
		  - {name: discovery, icmp: [neighbour-solicitation, neighbour-advertisement], action: allow}
		  - {name: server, to: 8080/tcp, action: allow}
	E
}

flows() { synfw show flows --json | jq "[.flows[] | select($1)] | length"; }

egress_filters() { # INTERFACE: how many filters of synfw are there
	on_edge tc filter show dev "$1" egress | grep -c 'synfw_egress' || true
}

qdiscs() { on_edge tc qdisc show dev "${1:-eth0}" | grep -c clsact || true; }

# ---- what comes back -----------------------------------------------------------------------------

tcp_passes() { # EDGE_ADDRESS CLIENT_ADDRESS WORDS
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

udp_passes() { # EDGE_ADDRESS CLIENT_ADDRESS WORDS CONNECTED...
	local port family
	talk udp server-$3 "$CLIENT" "$2" $DNS >/dev/null
	port=$(talk udp here-$3 "$EDGE" "$1" 0 "${@:4}")
	drops 10 "proto=udp,src=$2,dst=$1,sport=$DNS,dport=$port"
	if [ $# -gt 3 ]; then says_ok send here-$3; else says_ok send here-$3 "$2" $DNS; fi
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
