# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Counters belong to the name of a rule, and add up.

N=97
v4="src=$CLIENT4,dst=$EDGE4"

test_survive_a_reload_by_name() {
	policy first <<-E
		rules:
		  - {name: telnet, to: 23/tcp, action: drop}
		  - {name: web, to: 80/tcp, action: allow}
	E
	policy second <<-E
		rules:
		  - {name: new, to: 7/tcp, action: drop}
		  - {name: web, to: [80/tcp, 443/tcp], action: allow}
		  - {name: newer, to: 9/tcp, action: drop}
		  - {name: telnet, to: 23/tcp, from: 192.0.2.0/24, action: drop}
	E
	add_hosts
	apply first
	drops $N "proto=tcp,$v4,dport=23"
	passes 11 "proto=tcp,$v4,dport=80"
	apply second
	equal "$(rule telnet)" $N "telnet after the reload"
	equal "$(rule web)" 11 "web after the reload"
	equal "$(rule new)" 0 "the new rule"
	drops 5 "proto=tcp,$v4,dport=23"
	passes 6 "proto=tcp,$v4,dport=443"
	equal "$(rule telnet)" $((N + 5)) "telnet"
	equal "$(rule web)" 17 "web"
}

test_of_a_rule_that_was_gone_begin_at_zero() {
	policy with <<-E
		rules: [{name: telnet, to: 23/tcp, action: drop}]
	E
	policy without <<-E
		rules: [{name: web, to: 80/tcp, action: allow}]
	E
	add_hosts
	apply with
	drops $N "proto=tcp,$v4,dport=23"
	apply without
	apply with
	equal "$(rule telnet)" 0 "telnet"
}

test_count_bytes_of_whole_frames() {
	policy block <<-E
		rules: [{name: telnet, to: 23/tcp, action: drop}]
	E
	add_hosts
	apply block
	drops 10 "proto=tcp,$v4,dport=23"
	drops 10 "proto=tcp,$v4,dport=23,vlan=5"
	# Ethernet 14, IPv4 20, TCP 20, mark 28; a tag is 4 more
	equal "$(rule telnet bytes)" $((10 * 82 + 10 * 86)) "bytes"
}

test_of_reasons_add_up_to_the_packets() {
	local sent
	policy block <<-E
		protect: [{from: 198.51.100.1, to: 22/tcp}]
		defaults: {icmp: essential, fragments: drop, ethertypes: drop}
		rules:
		  - {name: telnet, to: 23/tcp, action: drop}
		  - {name: web, to: 80/tcp, action: allow}
	E
	add_hosts
	add_neighbours
	apply block
	sent=$("$TOOLS/frames" --from "$CLIENT/eth0" --to "$EDGE/eth0" --count $N \
		"proto=tcp,$v4,dport=23" "proto=tcp,$v4,dport=80" "proto=udp,$v4,dport=5" \
		"proto=icmp,$v4,type=8" "proto=udp,$v4,fragment=9" "ethertype=0x88b5" \
		"proto=tcp,src=198.51.100.1,dst=$EDGE4,dport=22" | awk '{n += $1} END {print n}')
	equal "$sent" $((7 * N)) "frames that were sent"
	exits 0 synfw status --json
	# the frame that marks the end of the run is an ARP frame
	json "([.reasons[]] | add) == $sent + 1 and .interfaces[0].packets == $sent + 1"
	json ".reasons | .[\"rule-drop\"] == $N and .[\"rule-allow\"] == $N and
		.[\"default-drop\"] == $N and .[\"icmp-essential\"] == $N and .fragment == $N and
		.ethertype == $N and .protected == $N and .arp == 1"
	json ".interfaces[0].dropped == $((4 * N))"
}

test_of_score_rules_count_and_go_on() {
	policy score <<-E
		rules:
		  - {name: odd, proto: tcp, flags: none, score: 60}
		  - {name: web, to: 80/tcp, action: allow}
	E
	add_hosts
	apply score
	passes $N "proto=tcp,$v4,dport=80,flags=0"
	equal "$(rule odd)" $N "the rule that scores"
	equal "$(rule web)" $N "the rule that decides"
	exits 0 synfw trace --from $CLIENT4 --to 80/tcp --flags none --json
	json '.score == 60 and .rule == "web"'
}
