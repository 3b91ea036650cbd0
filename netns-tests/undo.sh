# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# An apply that fails takes back what it did, and says what it could not take back.
#
# Links are moved to the program of another build, one after the other, and moved back.

LINK_UPDATE=29	# of enum bpf_cmd
ENOMEM=12
NEXT=$BUILD/netns-tests/next/synfw-next
OTHER_ABI=$BUILD/netns-tests/other-abi/synfw-other-abi
N=41
telnet="proto=tcp,src=$CLIENT4,dst=$EDGE4,dport=23"

three_interfaces() {
	local i
	add_hosts
	for i in 1 2; do
		add_host "$CASE_ID-other$i"
		join eth$i "$CASE_ID-other$i"
	done
	policy block <<-E
		interfaces: [{name: "eth*"}]
		defaults: {incoming: allow}
		rules: [{name: telnet, to: 23/tcp, action: drop}]
	E
	policy open <<-E
		interfaces: [{name: "eth*"}]
		rules: [{name: telnet, to: 23/tcp, action: allow}]
	E
	apply block
}

without_updates() { # FIRST LAST SYNFW: an apply whose updates of links, FIRST to LAST, fail
	run on_edge env LD_PRELOAD="$TOOLS/libfail_bpf.so" FAIL_BPF_COMMAND=$LINK_UPDATE \
		FAIL_BPF_AT="$1" FAIL_BPF_LAST="$2" FAIL_BPF_ERRNO=$ENOMEM "$3" apply "$T/open.yaml"
	equal "$STATUS" 7 "status of an apply that failed"
	says "cannot replace the program on interface"
}

programs() { # of the links, "old" being OLD
	state | sed -n 's/.*: link id [0-9]* program \([0-9]*\) .*/\1/p' | sed "s/^$1\$/old/" |
		sed 's/^[0-9]*$/new/' | paste -sd' '
}

program() { on_edge ip -json -details link show "$1" | jq '.[0].xdp.prog.id'; }

left() { # WHAT INTERFACE...: exactly these are said to be left with the new WHAT
	local what=$1 interface
	shift
	for interface; do
		printf 'and the new %s stays on "%s": Cannot allocate memory; apply again\n' "$what" \
			"$interface"
	done >"$T/expected"
	grep ' stays on ' "$T/err" | diff "$T/expected" - || fail "what is left is told otherwise"
}

every_interface_drops() {
	drops $N "$telnet"
	drops $N "$telnet" eth1 "$CASE_ID-other1"
	drops $N "$telnet" eth2 "$CASE_ID-other2"
}

next_apply_puts_it_right() {
	apply block
	equal "$(state | grep -c '/prog[a-z-]*: program')" 1 "programs that are pinned"
	equal "$(state | sed -n 's/.*\/prog: program .* id //p')" "$(program eth0)" "program of eth0"
	equal "$(program eth1)" "$(program eth0)" "program of eth1"
	equal "$(program eth2)" "$(program eth0)" "program of eth2"
	exits 0 synfw status --json
	json '.warnings == [] and .policy.name == "block"'
	every_interface_drops
}

test_links_are_moved_back() {
	local before old
	three_interfaces
	before=$(state)
	old=$(program eth0)
	without_updates 3 3 "$NEXT"
	! grep 'stays on' "$T/err" || fail "what was undone is told as left"
	equal "$(state)" "$before" "what the kernel holds"
	equal "$(programs "$old")" "old old old" "programs"
	every_interface_drops
}

test_link_that_could_not_be_moved_back_is_named() {
	local old
	three_interfaces
	old=$(program eth0)
	without_updates 3 4 "$NEXT"
	left program eth1
	equal "$(programs "$old")" "old new old" "programs"
	every_interface_drops
	exits 0 synfw status --json
	json '.policy.name == "block"'
	json '[.warnings[] | select(contains("another program"))] | length == 1 and (.[0] | contains("eth1"))'
	next_apply_puts_it_right
}

test_all_links_that_could_not_be_moved_back_are_named() {
	local old
	three_interfaces
	old=$(program eth0)
	without_updates 3 1000 "$NEXT"
	left program eth1 eth0
	equal "$(programs "$old")" "new new old" "programs"
	every_interface_drops
	next_apply_puts_it_right
}

# The program of another ABI reads tables of its own.
test_policy_that_stays_with_another_abi_is_told() {
	local old
	three_interfaces
	old=$(program eth0)
	without_updates 2 1000 "$OTHER_ABI"
	left policy eth0
	equal "$(programs "$old")" "new old old" "programs"
	passes $N "$telnet"
	drops $N "$telnet" eth1 "$CASE_ID-other1"
	exits 0 synfw status --json
	json '.warnings | any(contains("eth0"))'
	next_apply_puts_it_right
}
