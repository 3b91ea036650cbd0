#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Whole `synfw apply` of several policies on a veth in namespaces of its own: bench_apply.sh BUILD
# Prints a Markdown table. Needs root. Everything it makes it removes.
set -euo pipefail

BUILD=$(cd "$1" && pwd)
NAME=sfwbench$$
ROUNDS=5
T=$(mktemp -d "/tmp/$NAME.XXXXXX")

finish() {
	ip netns delete "$NAME" 2>/dev/null || echo "no namespace to delete" >&2
	umount "$T/bpf"
	rm -rf "$T"
}
trap finish EXIT

mkdir "$T/bpf" "$T/run" "$T/state"
mount -t bpf -o mode=700 "$NAME" "$T/bpf"
export SYNFW_BPFFS=$T/bpf/synfw SYNFW_RUN_DIR=$T/run SYNFW_STATE_DIR=$T/state
unset SSH_CONNECTION
ip netns add "$NAME"
ip -n "$NAME" link add eth0 type veth peer name peer
ip -n "$NAME" link set eth0 up
ip -n "$NAME" link set peer up

apply() { # FILE: milliseconds of the whole process
	local start end
	start=$(date +%s%N)
	nsenter --net="/run/netns/$NAME" "$BUILD/agent/synfw" apply "$1" --interface eth0 >/dev/null 2>&1
	end=$(date +%s%N)
	echo $(((end - start) / 1000000))
}

"$BUILD/benchmarks/bench-policy" edge 10 >"$T/other.yaml"
echo '| policy | rules | apply, whole process, median of '$ROUNDS' (ms) |'
echo '|---|---|---|'
for subject in edge:10 edge:50 edge:1000 edge:10000 random:10000 classbench:10000; do
	shape=${subject%:*} rules=${subject#*:}
	"$BUILD/benchmarks/bench-policy" "$shape" "$rules" >"$T/policy.yaml"
	times=()
	for ((round = 0; round < ROUNDS; round++)); do
		apply "$T/other.yaml" >/dev/null
		times+=("$(apply "$T/policy.yaml")")
	done
	median=$(printf '%s\n' "${times[@]}" | sort -n | sed -n "$((ROUNDS / 2 + 1))p")
	echo "| $shape | $rules | $median |"
done
