# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Under default-drop hosts still find each other.

default_drop() { # ICMP_DEFAULT PROTECT
	policy strict <<-E
		protect: $2
		defaults: {incoming: drop, icmp: $1, malformed: drop, ethertypes: drop}
		rules: [{name: ping, icmp: echo-request, action: allow}]
	E
	add_hosts
	add_ipv6
	apply strict
	ip -n "$CLIENT" neighbour flush dev eth0
	ip -n "$EDGE" neighbour flush dev eth0
}

finds_the_edge() { # ADDRESS
	on_client ping -q -c 3 -i 0.05 -W 3 "$1" || fail "$1 does not answer"
	ip -n "$CLIENT" neighbour show dev eth0 | grep -q "^$1 .*lladdr" || fail "no neighbour $1"
}

test_arp_passes() {
	default_drop rules '[]'
	finds_the_edge $EDGE4
	[ "$(reason arp)" -ge 1 ] || fail "no ARP was counted"
}

test_neighbour_discovery_is_essential() {
	default_drop essential '[]'
	finds_the_edge $EDGE6
}

test_neighbour_discovery_is_infrastructure() {
	default_drop rules '[infrastructure]'
	finds_the_edge $EDGE6
	[ "$(reason protected)" -ge 1 ] || fail "no neighbour discovery was counted"
}

# The neighbour of the three above: without either, IPv6 hosts do not find each other.
test_neighbour_discovery_needs_one_of_them() {
	default_drop rules '[]'
	! on_client ping -q -c 2 -i 0.05 -W 1 $EDGE6 || fail "neighbour discovery passes"
}

test_forged_neighbour_discovery_is_malformed() {
	policy strict <<-E
		protect: [infrastructure]
		defaults: {incoming: allow, malformed: drop}
	E
	add_hosts
	apply strict
	# the frames of the tools have a hop limit of 64: they would have crossed a router
	drops 50 "proto=icmpv6,src=$CLIENT6,dst=$EDGE6,type=135"
	equal "$(reason bad-header)" 50 "packets with a bad header"
}
