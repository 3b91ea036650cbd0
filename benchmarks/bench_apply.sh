#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Whole `synfw apply` of several policies on a veth in namespaces of its own: bench_apply.sh BUILD
# Prints a Markdown table. Needs root. Everything it makes it removes.
set -euo pipefail

BUILD=$(cd "$1" && pwd)
. "$(dirname "$0")/host.sh"
ROUNDS=5
host_begin

apply() { # FILE: milliseconds of the whole process
	local start end
	start=$(date +%s%N)
	on_host "$SYNFW" apply "$1" --interface eth0 >/dev/null 2>&1
	end=$(date +%s%N)
	echo $(((end - start) / 1000000))
}

# A policy in turns with another one; synfwd, if it runs, has the time that it needs in between.
median_of_rounds() {
	local round times=()
	for ((round = 0; round < ROUNDS; round++)); do
		apply "$T/other.yaml" >/dev/null
		sleep "$REST"
		times+=("$(apply "$T/policy.yaml")")
		sleep "$REST"
	done
	median "${times[@]}"
}

with_synfwd() {
	local pid took REST=0.7
	nsenter --net="/run/netns/$HOST" "$BUILD/agent/synfwd" &
	pid=$!
	sleep 0.2
	for _ in $(seq 50); do [ -s "$SYNFW_RUN_DIR/synfwd" ] || sleep 0.1; done
	[ -s "$SYNFW_RUN_DIR/synfwd" ] || { echo "synfwd serves nothing" >&2; kill "$pid"; return 1; }
	took=$(median_of_rounds)
	kill "$pid"
	wait "$pid"
	echo "$took"
}

REST=0
"$BUILD/benchmarks/bench-policy" edge 10 >"$T/other.yaml"
echo
echo "| policy | rules | apply, whole process, median of $ROUNDS (ms) | where synfwd runs |"
echo '|---|---|---|---|'
for subject in edge:10 edge:50 edge:1000 edge:10000 random:10000 classbench:10000; do
	shape=${subject%:*} rules=${subject#*:}
	"$BUILD/benchmarks/bench-policy" "$shape" "$rules" >"$T/policy.yaml"
	alone=$(median_of_rounds)
	beside=$(with_synfwd)
	echo "| $shape | $rules | $alone | $beside |"
done
