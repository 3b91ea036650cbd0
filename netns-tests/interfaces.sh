# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Where a policy is attached, how, and what happens when an interface goes.

N=61
telnet="proto=tcp,src=$CLIENT4,dst=$EDGE4,dport=23"
other=$CASE_ID-other

two_interfaces() {
	add_hosts
	add_host "$other"
	join eth1 "$other"
	policy block <<-E
		interfaces: [{name: "eth*"}]
		defaults: {incoming: allow}
		rules: [{name: telnet, to: 23/tcp, action: drop}]
	E
}

test_several() {
	two_interfaces
	passes $N "$telnet"
	passes $N "$telnet" eth1 "$other"
	apply block
	drops $N "$telnet"
	drops $N "$telnet" eth1 "$other"
	equal "$(rule telnet)" $((2 * N)) "packets that the rule counts"
	equal "$(of_interface eth0 dropped)" $N "packets that eth0 dropped"
	equal "$(of_interface eth1 dropped)" $N "packets that eth1 dropped"
}

test_option_replaces_those_of_the_policy() {
	two_interfaces
	apply block --interface eth1
	passes $N "$telnet"
	drops $N "$telnet" eth1 "$other"
	exits 0 synfw status --json
	json '[.interfaces[].name] == ["eth1"]'
}

test_later_policy_may_leave_one_and_take_another() {
	two_interfaces
	apply block --interface eth0
	apply block --interface eth1
	passes $N "$telnet"
	drops $N "$telnet" eth1 "$other"
	apply block
	drops $N "$telnet"
	drops $N "$telnet" eth1 "$other"
}

test_veth_is_attached_natively() {
	two_interfaces
	apply block
	equal "$(of_interface eth0 xdp_mode)" native "mode of eth0"
	on_edge ip -details link show eth0 | grep -q 'prog/xdp ' || fail "the kernel sees no native XDP"
}

test_generic_when_the_policy_wants_it() {
	add_hosts
	policy block <<-E
		interfaces: [{name: eth0, attach: generic}]
		defaults: {incoming: allow}
		rules: [{name: telnet, to: 23/tcp, action: drop}]
	E
	apply block
	equal "$(of_interface eth0 xdp_mode)" generic "mode of eth0"
	on_edge ip -details link show eth0 | grep -q 'xdpgeneric' || fail "the kernel sees no generic XDP"
	drops $N "$telnet"
	equal "$(rule telnet)" $N "packets that the rule counts"
	exits 0 synfw status --json
	json '.warnings == []'
}

# A bridge has no native XDP.
add_bridge() {
	add_hosts
	ip -n "$EDGE" link add br0 type bridge
	ip -n "$EDGE" link set eth0 master br0
	ip -n "$EDGE" link set br0 up
	policy block <<-E
		interfaces: [{name: br0, attach: $1}]
		defaults: {incoming: allow}
		rules: [{name: telnet, to: 23/tcp, action: drop}]
	E
}

test_fallback_to_generic_is_reported() {
	add_bridge auto
	exits 0 synfw apply "$T/block.yaml" --json
	json '.interfaces[0].xdp_mode == "generic" and (.warnings | length) == 1'
	json '.warnings[0] | contains("br0") and contains("generic")'
	exits 0 synfw status --json
	json '.interfaces[0].xdp_mode == "generic" and (.warnings[0] | contains("generic"))'
	apply block
	ip -n "$EDGE" link set br0 address "$(mac_of "$EDGE" eth0)"
	drops $N "$telnet" br0
	equal "$(rule telnet)" $N "packets that the rule counts"
}

test_native_or_nothing() {
	add_bridge native
	exits 7 synfw apply "$T/block.yaml"
	says br0
	equal "$(live_policy)" none "policy in force"
	equal "$(state)" nothing "what is pinned"
}

test_queues_that_do_not_fit_fall_back() {
	add_host "$EDGE"
	add_host "$CLIENT"
	ip link add name eth0 netns "$EDGE" numrxqueues 1 numtxqueues 1 type veth \
		peer name eth0 netns "$CLIENT" numrxqueues 2 numtxqueues 2
	on_client ethtool -L eth0 rx 2 tx 2
	plug "$EDGE" eth0
	plug "$CLIENT" eth0
	policy block <<-E
		rules: [{name: telnet, to: 23/tcp, action: drop}]
	E
	exits 0 synfw apply "$T/block.yaml" --json
	json '.interfaces[0].xdp_mode == "generic" and (.warnings | length) == 1'
	drops $N "$telnet"
}

test_large_mtu_is_native() {
	add_hosts
	ip -n "$EDGE" link set eth0 mtu 9000
	ip -n "$CLIENT" link set eth0 mtu 9000
	policy block <<-E
		defaults: {icmp: rules}
		rules: [{name: ping, icmp: echo-request, action: allow}]
	E
	apply block
	equal "$(of_interface eth0 xdp_mode)" native "mode of eth0"
	on_client ping -q -c 5 -i 0.01 -W 2 -M "do" -s 8900 $EDGE4 || fail "large packets are lost"
	equal "$(rule ping)" 5 "packets that the rule counts"
	equal "$(rule ping bytes)" $((5 * 8942)) "bytes that the rule counts"
}

test_deleted_one_is_reported_and_cleaned_up() {
	two_interfaces
	apply block
	ip -n "$EDGE" link delete eth1
	drops $N "$telnet"
	exits 0 synfw status --json
	json '.interfaces | map({(.name): .attached}) | add == {eth0: true, eth1: false}'
	json '.warnings | any(contains("eth1"))'
	apply block
	exits 0 synfw status --json
	json '.warnings == [] and [.interfaces[].name] == ["eth0"]'
	equal "$(state | grep -c ': link id')" 1 "links"
	drops $N "$telnet"
}

test_that_came_back_is_attached_again() {
	two_interfaces
	apply block
	ip -n "$EDGE" link delete eth1
	join eth1 "$other"
	passes $N "$telnet" eth1 "$other"
	apply block
	drops $N "$telnet" eth1 "$other"
	exits 0 synfw status --json
	json '.warnings == [] and ([.interfaces[].attached] == [true, true])'
}

test_missing_one_is_named() {
	add_hosts
	policy block <<-E
		interfaces: [{name: eth0}, {name: wan7}]
	E
	exits 3 synfw apply "$T/block.yaml"
	says wan7
	says "block.yaml:3:"
	exits 2 synfw apply "$T/block.yaml" --interface wan8
	says wan8
	equal "$(state)" nothing "what is pinned"
}

test_foreign_program_is_not_replaced() {
	add_hosts
	policy block <<-E
		rules: [{name: telnet, to: 23/tcp, action: drop}]
	E
	apply block
	export SYNFW_BPFFS=$T/bpf/second SYNFW_RUN_DIR=$T/run/second
	exits 7 synfw apply "$T/block.yaml"
	says eth0
	[ ! -e "$SYNFW_BPFFS" ] || fail "something was pinned"
}

test_other_network_namespace_takes_no_protection_away() {
	local before
	two_interfaces
	policy elsewhere <<-E
		rules: [{name: web, to: 80/tcp, action: allow}]
	E
	apply block --interface eth1
	drops $N "$telnet" eth1 "$other"
	before=$(state)
	exits 4 on_client "$SYNFW" apply "$T/elsewhere.yaml"
	says "another network namespace"
	exits 4 on_client "$SYNFW" detach
	says nsenter
	equal "$(state)" "$before" "what the kernel holds"
	drops $N "$telnet" eth1 "$other"
	SYNFW_BPFFS=$T/bpf/client exits 0 on_client "$SYNFW" apply "$T/elsewhere.yaml"
	SYNFW_BPFFS=$T/bpf/client exits 0 on_client "$SYNFW" detach
	ip -n "$EDGE" link delete eth1
	exits 0 on_client "$SYNFW" detach
	equal "$(state)" nothing "what is pinned once nothing is protected"
}
