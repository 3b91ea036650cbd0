# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# A rule drops what it names and nothing else.

N=137

# The four parts: passes before, drops after, its neighbour still passes, the counter of the rule
# grew by exactly N. The policy "block" has one rule called "bad".
four_parts() { # DROPPED NEIGHBOUR
	add_hosts
	add_neighbours
	passes $N "$1"
	apply block
	drops $N "$1"
	passes $N "$2"
	equal "$(rule bad)" $N "packets that the rule counts"
	equal "$(of_interface eth0 dropped)" $N "packets that the interface dropped"
	equal "$(reason rule-drop)" $N "packets whose reason is a rule"
}

v4="src=$CLIENT4,dst=$EDGE4"
v6="src=$CLIENT6,dst=$EDGE6"

test_tcp_port() {
	policy block <<-E
		defaults: {incoming: allow}
		rules: [{name: bad, to: 23/tcp, action: drop}]
	E
	four_parts "proto=tcp,$v4,dport=23" "proto=tcp,$v4,dport=24"
}

test_tcp_port_is_no_udp_port() {
	policy block <<-E
		defaults: {incoming: allow}
		rules: [{name: bad, to: 23/tcp, action: drop}]
	E
	four_parts "proto=tcp,$v4,dport=23" "proto=udp,$v4,dport=23"
}

test_udp_port_range() {
	policy block <<-E
		defaults: {incoming: allow}
		rules: [{name: bad, to: 5000-5010/udp, action: drop}]
	E
	four_parts "proto=udp,$v4,dport=5010" "proto=udp,$v4,dport=5011"
}

test_udp_source_port() {
	policy block <<-E
		defaults: {incoming: allow}
		rules: [{name: bad, proto: udp, from-port: 11211, action: drop}]
	E
	four_parts "proto=udp,$v4,sport=11211,dport=9" "proto=udp,$v4,sport=11210,dport=9"
}

test_ipv6_tcp_port() {
	policy block <<-E
		defaults: {incoming: allow}
		rules: [{name: bad, to: 23/tcp, action: drop}]
	E
	four_parts "proto=tcp,$v6,dport=23" "proto=tcp,$v6,dport=22"
}

test_ipv4_prefix() {
	policy block <<-E
		defaults: {incoming: allow}
		sets: {listed: [198.51.100.128/25]}
		rules: [{name: bad, from: listed, action: drop}]
	E
	four_parts "proto=tcp,src=198.51.100.128,dst=$EDGE4,dport=80" \
		"proto=tcp,src=198.51.100.127,dst=$EDGE4,dport=80"
}

test_ipv4_address() {
	policy block <<-E
		defaults: {incoming: allow}
		rules: [{name: bad, from: 198.51.100.77, action: drop}]
	E
	four_parts "proto=udp,src=198.51.100.77,dst=$EDGE4,dport=80" \
		"proto=udp,src=198.51.100.76,dst=$EDGE4,dport=80"
}

test_ipv4_destination() {
	policy block <<-E
		defaults: {incoming: allow}
		rules: [{name: bad, to-address: 192.0.2.128/25, action: drop}]
	E
	four_parts "proto=udp,src=$CLIENT4,dst=192.0.2.200,dport=80" "proto=udp,$v4,dport=80"
}

test_ipv6_prefix() {
	policy block <<-E
		defaults: {incoming: allow}
		sets: {listed: ["2001:db8:bad::/48"]}
		rules: [{name: bad, from: listed, action: drop}]
	E
	four_parts "proto=tcp,src=2001:db8:bad::1,dst=$EDGE6,dport=80" \
		"proto=tcp,src=2001:db8:bae::1,dst=$EDGE6,dport=80"
}

test_icmp_echo() {
	policy block <<-E
		defaults: {incoming: allow, icmp: rules}
		rules: [{name: bad, icmp: echo-request, action: drop}]
	E
	four_parts "proto=icmp,$v4,type=8" "proto=icmp,$v4,type=13"
}

test_icmpv6_echo() {
	policy block <<-E
		defaults: {incoming: allow, icmp: rules}
		rules: [{name: bad, icmp: echo-request, action: drop}]
	E
	four_parts "proto=icmpv6,$v6,type=128" "proto=icmpv6,$v6,type=129"
}

test_protocol() {
	policy block <<-E
		defaults: {incoming: allow}
		rules: [{name: bad, proto: gre, action: drop}]
	E
	four_parts "proto=47,$v4" "proto=50,$v4"
}

test_tcp_flags() {
	policy block <<-E
		defaults: {incoming: allow}
		rules: [{name: bad, proto: tcp, flags: [fin, psh, urg], action: drop}]
	E
	four_parts "proto=tcp,$v4,dport=80,flags=0x29" "proto=tcp,$v4,dport=80,flags=0x19"
}

test_vlan_tag() {
	policy block <<-E
		defaults: {incoming: allow}
		rules: [{name: bad, vlan: 30, action: drop}]
	E
	four_parts "proto=udp,$v4,dport=80,vlan=30" "proto=udp,$v4,dport=80,vlan=31"
}

test_port_behind_a_vlan_tag() {
	policy block <<-E
		defaults: {incoming: allow}
		rules: [{name: bad, to: 23/tcp, action: drop}]
	E
	four_parts "proto=tcp,$v4,dport=23,vlan=30" "proto=tcp,$v4,dport=80,vlan=30"
}

test_qinq_outermost_tag() {
	policy block <<-E
		defaults: {incoming: allow}
		rules: [{name: bad, vlan: 100, action: drop}]
	E
	four_parts "proto=udp,$v4,dport=80,vlan=100.30" "proto=udp,$v4,dport=80,vlan=30.100"
}

test_ipv6_port_behind_two_tags() {
	policy block <<-E
		defaults: {incoming: allow}
		rules: [{name: bad, to: 53/udp, action: drop}]
	E
	four_parts "proto=udp,$v6,dport=53,vlan=100.30" "proto=udp,$v6,dport=54,vlan=100.30"
}

test_except() {
	policy block <<-E
		defaults: {incoming: allow}
		rules: [{name: bad, to: 8080/tcp, except: {from: 198.51.100.0/24}, action: drop}]
	E
	four_parts "proto=tcp,$v4,dport=8080" "proto=tcp,src=198.51.100.9,dst=$EDGE4,dport=8080"
}

test_rule_of_one_interface() {
	local other=$CASE_ID-other packet="proto=tcp,$v4,dport=80"
	policy block <<-E
		interfaces: [{name: eth0}, {name: eth1}]
		defaults: {incoming: allow}
		rules: [{name: bad, interface: eth1, to: 80/tcp, action: drop}]
	E
	add_hosts
	add_host "$other"
	join eth1 "$other"
	passes $N "$packet" eth1 "$other"
	apply block
	drops $N "$packet" eth1 "$other"
	passes $N "$packet"
	equal "$(rule bad)" $N "packets that the rule counts"
	equal "$(of_interface eth1 dropped)" $N "packets that eth1 dropped"
	equal "$(of_interface eth0 dropped)" 0 "packets that eth0 dropped"
}

test_default_drop_has_its_reason() {
	policy block <<-E
		defaults: {incoming: drop}
		rules: [{name: web, to: 80/tcp, action: allow}]
	E
	add_hosts
	passes $N "proto=tcp,$v4,dport=81"
	apply block
	drops $N "proto=tcp,$v4,dport=81"
	passes $N "proto=tcp,$v4,dport=80"
	equal "$(rule web)" $N "packets that the rule counts"
	equal "$(reason default-drop)" $N "packets that no rule decided"
}

test_later_fragments() {
	policy block <<-E
		defaults: {incoming: allow, fragments: drop}
	E
	add_hosts
	passes $N "proto=udp,$v4,fragment=100"
	apply block
	drops $N "proto=udp,$v4,fragment=100"
	passes $N "proto=udp,$v4,dport=80"
	equal "$(reason fragment)" $N "fragments"
}

test_ethertypes() {
	policy block <<-E
		defaults: {incoming: allow, ethertypes: drop}
	E
	add_hosts
	passes $N "ethertype=0x88b5"
	apply block
	drops $N "ethertype=0x88b5"
	passes $N "proto=udp,$v4,dport=80"
	equal "$(reason ethertype)" $N "frames of an unknown type"
}

test_protected_source_is_never_dropped() {
	policy block <<-E
		protect: [{from: 198.51.100.0/24, to: 22/tcp}]
		rules: [{name: bad, to: 22/tcp, action: drop}]
	E
	add_hosts
	apply block
	passes $N "proto=tcp,src=198.51.100.5,dst=$EDGE4,dport=22"
	drops $N "proto=tcp,$v4,dport=22"
	equal "$(rule bad)" $N "packets that the rule counts"
	equal "$(reason protected)" $N "packets that are protected"
}

connects() { on_client nc -z -w 2 "$1" "$2"; }

serve() { # PORT...: accepts TCP connections on the edge, IPv4 and IPv6
	local port
	for port; do
		on_edge nc -4 -l -k -p "$port" </dev/null >/dev/null &
		on_edge nc -6 -l -k -p "$port" </dev/null >/dev/null &
	done
	for port; do
		for _ in $(seq 100); do
			connects $EDGE4 "$port" && connects $EDGE6 "$port" && continue 2
			sleep 0.1
		done
		fail "nobody listens on port $port"
	done
}

test_connections_of_real_programs() {
	policy block <<-E
		rules: [{name: web, to: 80/tcp, action: allow}]
	E
	add_hosts
	add_ipv6
	serve 23 80
	apply block
	connects $EDGE4 80 || fail "HTTP over IPv4 is dropped"
	connects $EDGE6 80 || fail "HTTP over IPv6 is dropped"
	! connects $EDGE4 23 || fail "telnet over IPv4 passes"
	! connects $EDGE6 23 || fail "telnet over IPv6 passes"
	exits 0 synfw detach
	connects $EDGE4 23 || fail "telnet does not pass after detach"
}
