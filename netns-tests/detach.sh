# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# detach takes everything away.

LINK_DETACH=34	# of enum bpf_cmd
EPERM=1 ENOMEM=12 SIGKILL=9 SIGSTOP=19
telnet="proto=tcp,src=$CLIENT4,dst=$EDGE4,dport=23"
other=$CASE_ID-other

prepare() {
	add_hosts
	policy block <<-E
		defaults: {incoming: allow}
		rules: [{name: telnet, to: 23/tcp, action: drop}]
	E
}

two_interfaces_in_force() {
	prepare
	add_host "$other"
	join eth1 "$other"
	apply block --interface eth0 --interface eth1
	drops 30 "$telnet"
	drops 30 "$telnet" eth1 "$other"
}

no_program_on() { # INTERFACE
	equal "$(on_edge ip -json -details link show "$1" | jq '.[0].xdp')" null "program on $1"
}

test_leaves_nothing() {
	prepare
	apply block
	drops 30 "$telnet"
	exits 0 synfw detach --json
	json '.schema == "synfw.detach/1"'
	passes 30 "$telnet"
	no_program_on eth0
	equal "$(state)" nothing "what is pinned"
	equal "$(live_policy)" none "policy in force"
}

test_second_is_harmless() {
	prepare
	apply block
	exits 0 synfw detach
	exits 0 synfw detach
	equal "$(state)" nothing "what is pinned"
}

test_without_a_policy_is_harmless() {
	prepare
	exits 0 synfw detach
}

test_apply_after_it_begins_at_zero() {
	prepare
	apply block
	drops 30 "$telnet"
	exits 0 synfw detach
	apply block
	equal "$(rule telnet)" 0 "packets that the rule counts"
	drops 30 "$telnet"
	equal "$(rule telnet)" 30 "packets that the rule counts"
}

test_takes_all_interfaces() {
	two_interfaces_in_force
	exits 0 synfw detach
	no_program_on eth0
	no_program_on eth1
}

test_after_the_interface_is_gone() {
	prepare
	apply block
	ip -n "$EDGE" link delete eth0
	exits 0 synfw detach
	equal "$(state)" nothing "what is pinned"
}

test_leaves_other_pins_alone() {
	prepare
	apply block
	bpftool map create "$T/bpf/foreign" type array key 4 value 4 entries 1 name foreign
	exits 0 synfw detach
	[ -e "$T/bpf/foreign" ] || fail "somebody else's pin is gone"
}

test_own_bpffs_is_mounted_and_unmounted() {
	prepare
	export SYNFW_BPFFS=$T/own
	apply block
	mountpoint -q "$T/own" || fail "no bpffs was mounted"
	drops 30 "$telnet"
	exits 0 synfw detach
	[ ! -e "$T/own" ] || fail "the mount point is left"
}

test_foreign_directory_stays() {
	prepare
	mkdir -p "$T/foreign/new" "$T/foreign/abiword" "$T/victim"
	echo kept | tee "$T/foreign/new/file" "$T/foreign/abiword/file" >"$T/victim/file"
	ln -s "$T/victim" "$T/foreign/old"
	find "$T/foreign" "$T/victim" >"$T/before"
	SYNFW_BPFFS=$T/foreign exits 4 synfw detach
	says "not on a bpffs"
	SYNFW_BPFFS=$T/foreign exits 4 synfw apply "$T/block.yaml"
	find "$T/foreign" "$T/victim" | diff "$T/before" - || fail "something is gone"
}

test_follows_no_symbolic_link() {
	prepare
	mkdir "$T/victim"
	echo kept >"$T/victim/file"
	mkdir -p "$SYNFW_BPFFS/abiword"
	ln -s "$T/victim" "$SYNFW_BPFFS/old"
	run synfw apply "$T/block.yaml"
	run synfw detach
	[ -e "$T/victim/file" ] || fail "a symbolic link was followed"
	[ -e "$SYNFW_BPFFS/abiword" ] || fail "a directory that is not of synfw is gone"
	ln -s "$SYNFW_BPFFS" "$T/link"
	SYNFW_BPFFS=$T/link exits 4 synfw detach
}

test_empty_mount_point_that_was_there_stays() {
	prepare
	mkdir "$T/own"
	export SYNFW_BPFFS=$T/own
	exits 0 synfw detach
	[ -d "$T/own" ] || fail "an empty directory is gone"
	apply block
	exits 0 synfw detach
	! mountpoint -q "$T/own" || fail "the bpffs is still mounted"
	[ -d "$T/own" ] || fail "the mount point is gone, and synfw did not make it"
}

# ---- detach that is killed, or refused, half-way -------------------------------------------------

with_fault() { # VARIABLE=VALUE... detach|status: that is what happens to its bpf() calls
	on_edge env LD_PRELOAD="$TOOLS/libfail_bpf.so" "${@:1:$#-1}" "$SYNFW" "${*: -1}"
}

killed_after() { # COUNT: of the links are detached
	run with_fault FAIL_BPF_COMMAND=$LINK_DETACH FAIL_BPF_AT="$1" FAIL_BPF_SIGNAL=$SIGKILL detach
	equal "$STATUS" 137 "status of a detach that is killed"
}

pinned_links() { # how many; nothing when that cannot be read
	local all
	all=$(state) || return
	grep -c ': link id' <<<"$all" || true
}

protected() { # prints the interfaces that a program is on
	local interface found=()
	for interface in eth0 eth1; do
		[ "$(on_edge ip -json -details link show $interface | jq '.[0].xdp')" = null ] ||
			found+=("$interface")
	done
	echo "${found[*]:-none}"
}

one_is_left() { # and the status says which
	local left
	left=$(protected)
	case $left in
	eth0)
		drops 30 "$telnet"
		passes 30 "$telnet" eth1 "$other"
		;;
	eth1)
		passes 30 "$telnet"
		drops 30 "$telnet" eth1 "$other"
		;;
	*) fail "a program is on: $left" ;;
	esac
	equal "$(pinned_links)" 2 "links that are pinned"
	exits 0 synfw status --json
	json "[.interfaces[] | select(.attached) | .name] == [\"$left\"]"
	json '.warnings | length > 0'
}

next_detach_leaves_nothing() { # INTERFACES: that it has to detach from
	exits 0 synfw detach --json
	json ".removed and .interfaces == $1 and .warnings == []"
	equal "$(state)" nothing "what is pinned"
	equal "$(protected)" none "interfaces with a program"
	passes 30 "$telnet"
	passes 30 "$telnet" eth1 "$other"
}

test_killed_between_two_links_is_done_by_the_next() {
	two_interfaces_in_force
	killed_after 1
	one_is_left
	next_detach_leaves_nothing 1
}

# The pins go last: what is detached can still be seen and cleaned up.
test_killed_before_the_pins_go_is_done_by_the_next() {
	two_interfaces_in_force
	killed_after 2
	equal "$(protected)" none "interfaces with a program"
	equal "$(pinned_links)" 2 "links that are pinned"
	exits 0 synfw status --json
	json '[.interfaces[].attached] == [false, false] and (.warnings | length > 0)'
	next_detach_leaves_nothing 0
}

test_killed_while_the_pins_go_is_done_by_the_next() {
	two_interfaces_in_force
	killed_after 2
	mv "$SYNFW_BPFFS"/abi* "$SYNFW_BPFFS/old"
	rm "$SYNFW_BPFFS"/old/synfw_p* "$SYNFW_BPFFS"/old/prog
	exits 0 synfw status --json
	json '.policy == null and (.warnings | any(contains("not removed to the end")))'
	next_detach_leaves_nothing 0
}

test_killed_is_repaired_by_apply() {
	two_interfaces_in_force
	killed_after 1
	apply block --interface eth0 --interface eth1
	equal "$(protected)" "eth0 eth1" "interfaces with a program"
	equal "$(pinned_links)" 2 "links that are pinned"
	drops 30 "$telnet"
	drops 30 "$telnet" eth1 "$other"
	exits 0 synfw status --json
	json '.warnings == []'
}

test_first_link_that_stays_changes_nothing() {
	local before
	two_interfaces_in_force
	before=$(state)
	exits 7 with_fault FAIL_BPF_COMMAND=$LINK_DETACH FAIL_BPF_AT=1 FAIL_BPF_ERRNO=$ENOMEM detach
	says "cannot detach from interface"
	exits 6 with_fault FAIL_BPF_COMMAND=$LINK_DETACH FAIL_BPF_AT=1 FAIL_BPF_ERRNO=$EPERM detach
	says "cannot detach from interface"
	! grep "detached already" "$T/err" || fail "something is said to be detached"
	equal "$(state)" "$before" "what the kernel holds"
	equal "$(protected)" "eth0 eth1" "interfaces with a program"
	next_detach_leaves_nothing 2
}

test_second_link_that_stays_is_told() {
	two_interfaces_in_force
	exits 7 with_fault FAIL_BPF_COMMAND=$LINK_DETACH FAIL_BPF_AT=2 FAIL_BPF_ERRNO=$ENOMEM detach
	says "cannot detach from interface"
	says "1 interface is detached already"
	one_is_left
	next_detach_leaves_nothing 1
}

# Somebody else's descriptor of a link keeps the link, and must not keep its program in force.
test_descriptors_elsewhere_do_not_keep_the_program() {
	local calls reader
	two_interfaces_in_force
	exits 0 with_fault FAIL_BPF_COUNT="$T/calls" status
	calls=$(cat "$T/calls")
	nsenter --net="/run/netns/$EDGE" env LD_PRELOAD="$TOOLS/libfail_bpf.so" \
		FAIL_BPF_AT="$calls" FAIL_BPF_SIGNAL=$SIGSTOP "$SYNFW" status >"$T/reader" 2>&1 &
	reader=$!
	for _ in $(seq 100); do
		grep -q '^State:	T' "/proc/$reader/status" && break
		sleep 0.05
	done
	grep -q '^State:	T' "/proc/$reader/status" || fail "the reader did not stop"
	find "/proc/$reader/fd" -lname '*bpf*link*' >"$T/held"
	equal "$(wc -l <"$T/held")" 2 "links that the reader holds"
	next_detach_leaves_nothing 2
	kill -KILL "$reader"
	wait "$reader" 2>/dev/null || true
}
