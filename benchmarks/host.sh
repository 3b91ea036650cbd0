# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the measurements that need interfaces: a host in a network namespace of its own with a
# veth pair, eth0 and peer, and a bpffs and directories for synfw. Everything goes with the shell.
# From the caller: BUILD (build directory). `nsenter --net=` and not `ip netns exec`, which mounts a
# new /sys and so hides the bpffs.

# shellcheck disable=SC2034 # the caller's
SYNFW=$BUILD/agent/synfw
HOST=sfwbench$$

host_end() {
	ip netns delete "$HOST" 2>/dev/null || echo "no namespace to delete" >&2
	umount "$T/bpf"
	rm -rf "$T"
}

host_begin() {
	T=$(mktemp -d "/tmp/$HOST.XXXXXX")
	mkdir "$T/bpf" "$T/run" "$T/state"
	mount -t bpf -o mode=700 "$HOST" "$T/bpf"
	trap host_end EXIT
	trap 'exit 143' TERM INT
	export SYNFW_BPFFS=$T/bpf/synfw SYNFW_RUN_DIR=$T/run SYNFW_STATE_DIR=$T/state
	unset SSH_CONNECTION
	ip netns add "$HOST"
	# nothing speaks by itself
	on_host sh -c 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
	ip -n "$HOST" link add eth0 type veth peer name peer
	ip -n "$HOST" link set eth0 up
	ip -n "$HOST" link set peer up
}

on_host() { nsenter --net="/run/netns/$HOST" "$@"; }

median() { # NUMBER...
	printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"
}

# A policy that drops what comes from a list: FILE is relative to the policy, or absolute.
policy_of_list() { # FILE
	printf 'version: 1\nname: list\ninterfaces:\n  - name: eth0\ndefaults: {incoming: allow}\n'
	printf 'sets:\n  listed: {file: %s}\n' "$1"
	printf 'rules:\n  - {name: listed, from: listed, action: drop}\n'
}
