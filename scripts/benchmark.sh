#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Measures everything that docs/performance.md reports, in one run, and writes that page.
# Needs root. All traffic stays in namespaces that it makes and removes itself. About 10 minutes,
# most of them for 1,000 applies under traffic.
set -euo pipefail

SOURCE=$(cd "$(dirname "$0")/.." && pwd)
. "$SOURCE/scripts/packages.sh"
become_root "$@"
# shellcheck disable=SC2086 # words are what is wanted
packages_install $PACKAGES_RIVALS
OUT=$SOURCE/docs/performance.md
WORK=$(mktemp -d /tmp/synfw-benchmark.XXXXXX)
trap 'rm -rf "$WORK"' EXIT

for clang in clang-14 clang-19; do
	meson setup "$WORK/$clang" "$SOURCE" -Dclang="$clang" >/dev/null
	ninja -C "$WORK/$clang" agent/synfw tests/bpf/test_verifier >/dev/null
done
BUILD=$WORK/clang-14
ninja -C "$BUILD" >/dev/null
ninja -C "$BUILD" benchmarks/bench-{packet,sources,data,live,policy,prefixes} \
	benchmarks/measure-command benchmarks/bpf/{generate,replay,rivals}.bpf.o >/dev/null
OBJECTS=("$BUILD"/benchmarks/bpf/{replay,rivals}.bpf.o)
export SYNFW_SOURCE_ROOT=$SOURCE # from where data that is not part of the project is looked for

verified() { # CLANG: live and shadow
	"$WORK/$1/tests/bpf/test_verifier" | grep -o 'takes [0-9]* verified' | grep -o '[0-9]*' |
		paste -sd' ' | sed 's/ / and /'
}

netns_case() { # TOPIC: what its cases say
	"$SOURCE/netns-tests/run.sh" "$BUILD" "$1"
}

machine() {
	printf '%s, %s CPUs, kernel %s' "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)" \
		"$(nproc)" "$(uname -r)"
}

{
	sed '/^<!-- measured -->$/q' "$SOURCE/benchmarks/performance.md.in"
	printf '\nMeasured on %s by `scripts/benchmark.sh` on: %s.\n' "$(date +%F)" "$(machine)"
	printf '\n## Cost per packet\n'
	"$BUILD/benchmarks/bench-packet" "${OBJECTS[@]}"
	printf '\n## Large sets, another source each time\n'
	"$BUILD/benchmarks/bench-sources" "${OBJECTS[@]}"
	printf '\n## Rule sets and lists of others\n'
	"$BUILD/benchmarks/bench-data" "${OBJECTS[@]}"
	printf '\n## Packets a second across veth\n'
	"$SOURCE/benchmarks/bench_live.sh" "$BUILD"
	printf '\n## Apply\n\n'
	"$SOURCE/benchmarks/bench_apply.sh" "$BUILD"
	"$SOURCE/benchmarks/bench_apply_sets.sh" "$BUILD"
	printf '\n## Verified instructions\n\n| compiler | live and shadow program |\n|---|---|\n'
	printf '| clang 14 | %s |\n| clang 19 | %s |\n' "$(verified clang-14)" "$(verified clang-19)"
	printf '\n## Reload under traffic, and every failure of bpf()\n\n```\n'
	netns_case reload
	netns_case fault
	printf '```\n'
} >"$WORK/performance.md"
mv "$WORK/performance.md" "$OUT"
echo "wrote docs/performance.md"
