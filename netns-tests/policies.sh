# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# The policies that people start from are right, and drop what they say.

N=31

in_force() { # NAME: applies the shipped policy, whose own tests pass with that
	add_hosts
	exits 0 synfw check "$SOURCE/policies/$1.yaml"
	warns_of_nothing
	exits 0 synfw apply "$SOURCE/policies/$1.yaml"
	equal "$(live_policy)" "$1" "policy in force"
	grep -q '^tests:' "$SOURCE/policies/$1.yaml" || fail "$1 has no tests"
}

from() { # SOURCE WORDS: a packet to the edge
	case $1 in
	*:*) echo "src=$1,dst=$EDGE6,$2" ;;
	*) echo "src=$1,dst=$EDGE4,$2" ;;
	esac
}

test_every_policy_is_enforced_here() {
	local file name
	for file in "$SOURCE"/policies/*.yaml; do
		name=$(basename "$file" .yaml)
		declare -F "test_${name//-/_}" >/dev/null || fail "no case for $name.yaml"
	done
}

test_edge_web() {
	in_force edge-web
	passes $N "$(from 198.51.100.7 proto=tcp,dport=80)"
	passes $N "$(from 2001:db8::7 proto=udp,dport=443)"
	drops $N "$(from 198.51.100.7 proto=tcp,dport=23)"
	drops $N "$(from 2001:db8::7 proto=tcp,dport=21)"
	drops $N "$(from 203.0.113.5 proto=tcp,dport=80)"
	drops $N "$(from 2001:db8:bad::5 proto=tcp,dport=80)"
	passes $N "$(from 10.20.1.1 proto=tcp,dport=22)"
	drops $N "$(from 198.51.100.7 proto=tcp,dport=22)"
	drops $N "$(from 198.51.100.66 proto=tcp,dport=40000,flags=0x29)"
	drops $N "$(from 198.51.100.7 proto=tcp,sport=443,dport=40000,flags=0x12)"
	drops $N "$(from 198.51.100.7 proto=udp,sport=53,dport=40000)"
	exits 0 synfw trace --from 2001:db8::7 --to mld2-listener-report/icmpv6 --json
	json '.reason == "icmp-essential"'
	equal "$(rule web)" $((2 * N)) "web"
	equal "$(rule legacy-cleartext)" $((2 * N)) "legacy-cleartext"
	equal "$(rule known-bad)" $((2 * N)) "known-bad"
	# twice 60 points are more than 100: the second packet blocks its source
	equal "$(rule xmas-scan)" 2 "xmas-scan"
	equal "$(reason score)" 1 "score"
	equal "$(reason blocked)" $((N - 2)) "blocked"
	equal "$(rule dns-reflection)" $N "dns-reflection"
	equal "$(reason protected)" $N "protected"
	equal "$(reason default-drop)" $((2 * N + 1)) "default-drop"
}

test_ssh_only() {
	in_force ssh-only
	passes $N "$(from 198.51.100.7 proto=tcp,dport=22)"
	passes $N "$(from 2001:db8::7 proto=tcp,dport=22)"
	drops $N "$(from 198.51.100.7 proto=tcp,dport=80)"
	drops $N "$(from 198.51.100.7 proto=udp,dport=53)"
	passes $N "$(from 198.51.100.7 proto=icmp,type=8)"
	drops $N "$(from 198.51.100.7 proto=tcp,sport=80,dport=50000,flags=0x10)"
}

test_monitor_first() {
	in_force monitor-first
	passes $N "$(from 198.51.100.7 proto=tcp,dport=3306)"
	equal "$(rule everything-else would_drop)" $N "packets that would be dropped"
}

test_blocklist() {
	in_force blocklist
	drops $N "$(from 203.0.113.200 proto=tcp,dport=80)"
	drops $N "$(from 203.0.113.200 proto=udp,fragment=10)"
	passes $N "$(from 203.0.113.200 proto=tcp,dport=25)"
	passes $N "$(from 198.51.100.7 proto=tcp,dport=80)"
	equal "$(rule listed-source)" $((2 * N)) "listed-source"
}

test_gateway_vlans() {
	in_force gateway-vlans
	passes $N "proto=udp,src=10.0.30.5,dst=10.0.30.1,dport=53,vlan=30"
	drops $N "proto=tcp,src=10.0.30.5,dst=198.51.100.1,dport=443,vlan=30"
	drops $N "proto=tcp,src=10.0.20.5,dst=10.0.30.1,dport=8883,vlan=30"
	passes $N "proto=tcp,src=10.0.20.5,dst=198.51.100.1,dport=443,vlan=20"
	drops $N "proto=tcp,src=10.0.20.5,dst=10.0.10.5,dport=443,vlan=20"
	drops $N "proto=tcp,src=10.0.10.5,dst=198.51.100.1,dport=443"
	equal "$(rule thing-contained)" $N "thing-contained"
	equal "$(rule forged-thing)" $N "forged-thing"
	equal "$(rule office-to-private)" $N "office-to-private"
}

test_missing_blocklist_is_not_taken_for_an_empty_one() {
	add_hosts
	cp -r "$SOURCE/policies" "$T/policies"
	rm "$T/policies/feeds/blocklist.netset"
	exits 3 synfw apply "$T/policies/edge-web.yaml"
	says blocklist.netset
}
