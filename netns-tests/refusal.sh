# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# What is refused changes nothing: neither the first policy nor the one in force.

telnet="proto=tcp,src=$CLIENT4,dst=$EDGE4,dport=23"

prepare() {
	add_hosts
	policy good <<-E
		defaults: {incoming: allow}
		rules: [{name: telnet, to: 23/tcp, action: drop}]
	E
	policy next <<-E
		rules: [{name: web, to: 80/tcp, action: allow}]
	E
}

# Runs the command without a policy in force and with one: it exits with STATUS and all that the
# kernel holds stays as it was.
changes_nothing() { # STATUS COMMAND...
	local before
	before=$(state)
	exits "$@"
	equal "$(state)" "$before" "what the kernel holds without a policy"
	apply good
	before=$(state)
	exits "$@"
	equal "$(state)" "$before" "what the kernel holds with a policy"
	equal "$(live_policy)" good "policy in force"
	drops 20 "$telnet"
}

test_dry_run() {
	prepare
	changes_nothing 0 synfw apply "$T/next.yaml" --dry-run
}

test_dry_run_says_what_would_change() {
	prepare
	apply good
	exits 0 synfw apply "$T/next.yaml" --dry-run --json
	json '.schema == "synfw.apply/1" and .dry_run and .policy == "next"'
}

test_invalid_policy() {
	prepare
	policy bad <<-E
		rules: [{name: web, to: 80/tpc, action: allow}, {name: web, to: 81/tcp, acton: allow}]
	E
	changes_nothing 3 synfw apply "$T/bad.yaml"
	says "bad.yaml:"
}

test_policy_whose_tests_fail() {
	prepare
	policy bad <<-E
		rules: [{name: web, to: 80/tcp, action: allow}]
		tests: [{from: 192.0.2.9, to: 443/tcp, expect: allow}]
	E
	changes_nothing 3 synfw apply "$T/bad.yaml"
	says "test failed"
}

test_missing_set_file() {
	prepare
	policy bad <<-E
		sets: {listed: {file: no-such-file.netset}}
		rules: [{name: listed, from: listed, action: drop}]
	E
	changes_nothing 3 synfw apply "$T/bad.yaml"
	says no-such-file.netset
}

test_missing_policy() {
	prepare
	changes_nothing 2 synfw apply "$T/no-such-policy.yaml"
	says no-such-policy.yaml
}

test_wrong_usage() {
	prepare
	changes_nothing 2 synfw apply
	exits 2 synfw aply "$T/next.yaml"
	says apply
	exits 2 synfw apply "$T/next.yaml" --dryrun
	exits 2 synfw
}

test_vlan_ids_that_are_none() {
	local id
	prepare
	policy tagged <<-E
		defaults: {incoming: allow}
		rules: [{name: things, vlan: [1, 4094], action: drop}]
	E
	for id in 0 4095 4096 70000 -1 +5 0x10 ten ""; do
		exits 2 synfw trace --policy "$T/tagged.yaml" --from $CLIENT4 --to 23/tcp "--vlan=$id"
		says "--vlan \"$id\" is not a VLAN id: 1 to 4094"
		[ ! -s "$T/out" ] || fail "a verdict for VLAN \"$id\""
	done
	for id in 1 4094; do
		exits 1 synfw trace --policy "$T/tagged.yaml" --from $CLIENT4 --to 23/tcp --vlan $id --json
		json '.rule == "things"'
	done
	exits 0 synfw trace --policy "$T/tagged.yaml" --from $CLIENT4 --to 23/tcp --vlan 2 --json
	json '.rule == null'
}

as_nobody() {
	on_edge setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs --inh-caps=-all \
		"$T/synfw" "$@"
}

# With a policy in force.
permits_nothing() { # COMMAND...
	local before
	before=$(state)
	exits 6 "$@" detach
	says "not permitted to detach: "
	exits 6 "$@" status
	says "not permitted to read the policy in force: "
	exits 6 "$@" show rules
	exits 6 "$@" show sets
	exits 6 "$@" diff "$T/good.yaml"
	exits 6 "$@" trace --from $CLIENT4 --to 23/tcp
	says "not permitted to run the shadow program: "
	equal "$(state)" "$before" "what the kernel holds"
	drops 20 "$telnet"
}

test_no_rights() {
	prepare
	chmod 755 "$T"
	cp "$SYNFW" "$T/synfw"
	changes_nothing 6 as_nobody apply "$T/next.yaml"
	says "not permitted to apply a policy: CAP_SYS_ADMIN and CAP_NET_ADMIN missing"
	permits_nothing as_nobody
}

# What a container without privileges has: all capabilities, which no BPF object and no bpffs knows.
as_contained_root() {
	on_edge setpriv --reuid 65534 --regid 65534 --clear-groups unshare --map-root-user "$T/synfw" \
		"$@"
}

as_contained_root_with_interfaces_of_its_own() {
	on_edge setpriv --reuid 65534 --regid 65534 --clear-groups unshare --map-root-user --net \
		"$T/synfw" "$@"
}

test_root_of_a_user_namespace_has_no_rights() {
	local who
	prepare
	chmod 755 "$T"
	cp "$SYNFW" "$T/synfw"
	for who in as_contained_root as_contained_root_with_interfaces_of_its_own; do
		exits 0 synfw detach
		changes_nothing 6 $who apply "$T/next.yaml" --interface lo
		says "not permitted to apply a policy: root of a user namespace"
		permits_nothing $who
	done
}

# EACCES of a file, as bpf() does not refuse anything to this one.
as_owner_of_no_file() {
	on_edge setpriv --reuid 65534 --regid 65534 --clear-groups \
		--inh-caps=-all,+sys_admin,+net_admin --ambient-caps=-all,+sys_admin,+net_admin \
		"$T/synfw" "$@"
}

test_files_that_are_not_permitted() {
	prepare
	chmod 755 "$T"
	cp "$SYNFW" "$T/synfw"
	changes_nothing 6 as_owner_of_no_file apply "$T/next.yaml"
	says "cannot open the lock \"$T/run/lock\": Permission denied"
	exits 6 as_owner_of_no_file status
	says "cannot look into \"$SYNFW_BPFFS/abi"
	says "Permission denied"
	chmod 777 "$T/run"
	chmod 666 "$T/run/lock"
	changes_nothing 6 as_owner_of_no_file apply "$T/next.yaml"
	says "cannot open \"$SYNFW_BPFFS\": Permission denied"
	changes_nothing 6 as_owner_of_no_file detach
	says "cannot open \"$SYNFW_BPFFS\": Permission denied"
}

test_check_needs_no_rights() {
	prepare
	chmod 755 "$T"
	cp "$SYNFW" "$T/synfw"
	exits 0 as_nobody check "$T/good.yaml"
}

test_policy_that_cuts_the_ssh_connection_in_use() {
	prepare
	export SSH_CONNECTION="$CLIENT4 50000 $EDGE4 22"
	changes_nothing 4 synfw apply "$T/next.yaml"
	says SSH
	apply next --force
	equal "$(live_policy)" next "policy in force"
}

# An address of an interface that is not guarded: the connection may come in there or not. One of no
# interface: it ends in another network namespace.
test_ssh_connection_by_an_unknown_interface_is_a_warning() {
	prepare
	ip -n "$EDGE" address add 192.0.2.99/32 dev lo
	export SSH_CONNECTION="$CLIENT4 50000 192.0.2.98 22"
	apply next
	warns_of_nothing
	SSH_CONNECTION="$CLIENT4 50000 192.0.2.99 22"
	exits 0 synfw apply "$T/next.yaml"
	says "is cut if it comes in by eth0"
	says "protect:"
	equal "$(live_policy)" next "policy in force"
	apply next --force
	warns_of_nothing
	apply good
	warns_of_nothing
}

# RLIMIT_NOFILE stands for a system that has no room left.
test_no_room_for_the_maps() {
	prepare
	changes_nothing 7 prlimit --nofile=9 nsenter --net="/run/netns/$EDGE" "$SYNFW" apply \
		"$T/next.yaml"
}

# In a PID namespace of its own, as PID 1 of this machine may not be looked at. unshare keeps new
# mounts to itself, as `ip netns exec` does.
with_private_mounts() { # COMMAND...
	on_edge unshare --mount --pid --fork --mount-proc sh -c 'unshare --mount "$@"; exit $?' sh "$@"
}

test_mount_that_would_end_with_the_process() {
	prepare
	SYNFW_BPFFS=$T/own exits 4 with_private_mounts "$SYNFW" apply "$T/good.yaml"
	says "nsenter --net=/run/netns/NAME"
	[ ! -e "$T/own" ] || fail "the mount point is left"
	[ ! -e "$T/run/mount" ] || fail "a note of a mount is left"
	passes 20 "$telnet"
}

test_private_mounts_with_a_bpffs_from_outside() {
	prepare
	exits 0 with_private_mounts "$SYNFW" apply "$T/good.yaml"
	equal "$(live_policy)" good "policy in force"
	drops 20 "$telnet"
	exits 0 synfw detach
}

# What a first apply leaves that is killed after it attached, before its last step.
test_refused_apply_leaves_what_a_killed_one_attached() {
	local before
	prepare
	policy bad <<-E
		rules: [{name: web, to: 80/tpc, action: allow}]
	E
	policy failing <<-E
		rules: [{name: web, to: 80/tcp, action: allow}]
		tests: [{from: 192.0.2.9, to: 443/tcp, expect: allow}]
	E
	apply good
	mv "$SYNFW_BPFFS"/abi* "$SYNFW_BPFFS/new"
	before=$(state)
	exits 0 synfw status --json
	json '[.interfaces[] | [.name, .attached]] == [["eth0", true]]'
	json '.policy.name == "good" and .mode == "block"'
	json '.warnings | any(contains("killed"))'
	exits 3 synfw apply "$T/bad.yaml"
	exits 3 synfw apply "$T/failing.yaml"
	exits 0 synfw apply "$T/next.yaml" --dry-run
	equal "$(state)" "$before" "what the kernel holds"
	drops 20 "$telnet"
	apply next
	exits 0 synfw status --json
	json '.policy.name == "next" and .warnings == []'
	drops 20 "$telnet"
}

into_full() { synfw "$@" >/dev/full; }

test_report_that_cannot_be_written_is_no_failure_once_applied() {
	prepare
	exits 0 into_full apply "$T/good.yaml"
	says "applied, but the report could not be written"
	equal "$(live_policy)" good "policy in force"
	exits 7 into_full apply "$T/next.yaml" --dry-run
	exits 7 into_full status
	exits 0 into_full apply "$T/next.yaml" --json
	says "applied, but the report could not be written"
	exits 0 into_full detach
	says "detached, but the report could not be written"
	equal "$(state)" nothing "what is pinned"
}

test_fifo_for_a_file_does_not_hang() {
	prepare
	mkfifo "$T/run/mount"
	SYNFW_BPFFS=$T/own exits 7 timeout 20 nsenter --net="/run/netns/$EDGE" "$SYNFW" apply \
		"$T/good.yaml"
	exits 0 timeout 20 nsenter --net="/run/netns/$EDGE" "$SYNFW" detach
	rm "$T/run/mount"
	apply good
	mkfifo "$T/run/mount"
	exits 0 timeout 20 nsenter --net="/run/netns/$EDGE" "$SYNFW" detach
}
