# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# detach takes everything away.

telnet="proto=tcp,src=$CLIENT4,dst=$EDGE4,dport=23"

prepare() {
	add_hosts
	policy block <<-E
		defaults: {incoming: allow}
		rules: [{name: telnet, to: 23/tcp, action: drop}]
	E
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
	prepare
	add_host "$CASE_ID-other"
	join eth1 "$CASE_ID-other"
	apply block --interface eth0 --interface eth1
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
