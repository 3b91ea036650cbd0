# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# The gateways of this host's routes are protected, and routes that change while they are read are
# read again.

N=29
OTHER4=192.0.2.3 OTHER6=2001:db8::3 STRANGER4=192.0.2.9 STRANGER6=2001:db8::9

prepare() {
	add_hosts
	ip -n "$EDGE" route add default via $CLIENT4
	policy strict <<-E
		protect: [infrastructure]
		defaults: {incoming: drop, icmp: rules}
		rules: [{name: web, to: 80/tcp, action: allow}]
	E
	policy other <<-E
		rules: [{name: mail, to: 25/tcp, action: allow}]
	E
}

prepare_both() {
	prepare
	add_ipv6
	ip -n "$EDGE" -6 route add default via $CLIENT6
}

echo_from() { # ADDRESS
	case $1 in
	*:*) echo "proto=icmpv6,src=$1,dst=$EDGE6,type=128" ;;
	*) echo "proto=icmp,src=$1,dst=$EDGE4,type=8" ;;
	esac
}

gateways_are_known() {
	passes $N "$(echo_from $CLIENT4)"
	passes $N "$(echo_from $CLIENT6)"
	drops $N "$(echo_from $STRANGER4)"
	drops $N "$(echo_from $STRANGER6)"
}

interrupted() { # FIRST LAST: an apply whose dumps of routes, from FIRST to LAST, are interrupted
	on_edge env LD_PRELOAD="$TOOLS/libinterrupt_dump.so" INTERRUPT_DUMP_AT="$1" \
		INTERRUPT_DUMP_LAST="$2" INTERRUPT_DUMP_COUNT="$T/dumps" "$SYNFW" apply "$T/strict.yaml"
}

asked_for() { # COUNT
	equal "$(cat "$T/dumps")" "$1" "dumps of routes"
}

test_gateways_are_protected() {
	prepare_both
	exits 0 interrupted 0 0
	asked_for 2
	gateways_are_known
	drops $N "proto=udp,src=$CLIENT4,dst=$EDGE4,dport=53"
}

test_gateways_of_every_kind_of_route_are_protected() {
	prepare_both
	ip -n "$EDGE" route add 198.51.100.0/24 nexthop via $CLIENT4 nexthop via $OTHER4
	ip -n "$EDGE" route add 203.0.113.0/24 via inet6 $OTHER6 dev eth0
	apply strict
	gateways_are_known
	passes $N "$(echo_from $OTHER4)"
	passes $N "$(echo_from $OTHER6)"
}

test_interrupted_dump_of_ipv4_is_repeated() {
	prepare_both
	exits 0 interrupted 1 1
	asked_for 3
	gateways_are_known
}

test_interrupted_dump_of_ipv6_is_repeated() {
	prepare_both
	exits 0 interrupted 2 2
	asked_for 4
	gateways_are_known
}

test_last_attempt_counts() {
	prepare_both
	exits 0 interrupted 1 5
	asked_for 7
	gateways_are_known
}

test_dump_that_is_always_interrupted_is_a_failure() {
	local before
	prepare
	apply other
	before=$(state)
	exits 7 interrupted 1 1000
	says "cannot read this host's routes"
	says "changed"
	asked_for 6
	equal "$(state)" "$before" "what the kernel holds"
	equal "$(live_policy)" other "policy in force"
}
