#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# scripts/benchmark.sh [SECTION...]
#
# Measures everything that docs/performance.md reports, in one run, and writes that page and the
# plots beside it; or only the sections with these titles, and keeps what it says of the others.
# Needs root. All traffic stays in namespaces that it makes and removes itself. About 30 minutes in
# all, seven of them for 1,000 applies under traffic and for failing ones.
set -euo pipefail

SOURCE=$(cd "$(dirname "$0")/.." && pwd)
. "$SOURCE/scripts/packages.sh"
become_root "$@"
# shellcheck disable=SC2086 # words are what is wanted
packages_install $PACKAGES_RIVALS
OUT=$SOURCE/docs/performance.md
WANTED=("$@")
WORK=$(mktemp -d /tmp/synfw-benchmark.XXXXXX)
trap 'rm -rf "$WORK"' EXIT

for clang in clang-14 clang-19; do
	meson setup "$WORK/$clang" "$SOURCE" -Dclang="$clang" >/dev/null
	ninja -C "$WORK/$clang" agent/synfw tests/bpf/test_verifier >/dev/null
done
BUILD=$WORK/clang-14
ninja -C "$BUILD" >/dev/null
ninja -C "$BUILD" benchmarks/bench-{packet,steps,over-time,flood,sources,data,live,policy,prefixes,process-attach} \
	benchmarks/{measure-command,process-load,time-to-drop,time-to-block,event-latency} \
	benchmarks/bpf/{generate,replay,rivals}.bpf.o >/dev/null
OBJECTS=("$BUILD"/benchmarks/bpf/{replay,rivals}.bpf.o)
BENCH=$BUILD/benchmarks
export SYNFW_SOURCE_ROOT=$SOURCE # from where data that is not part of the project is looked for

verified() { # CLANG: live and shadow, the first two of all programs
	"$WORK/$1/tests/bpf/test_verifier" | grep -o 'takes [0-9]* verified' | grep -o '[0-9]*' |
		head -2 | paste -sd' ' | sed 's/ / and /'
}

is_wanted() { # TITLE
	local title
	[ ${#WANTED[@]} -gt 0 ] || return 0
	for title in "${WANTED[@]}"; do [ "$title" != "$1" ] || return 0; done
	return 1
}

kept() { # TITLE: what the page says so far
	awk -v title="## $1" '/^## / {on = $0 == title} on' "$OUT" | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}

verified_by_both() {
	local by_14 by_19
	by_14=$(verified clang-14) && by_19=$(verified clang-19) || return
	printf '\n| compiler | live and shadow program |\n|---|---|\n| clang 14 | %s |\n| clang 19 | %s |\n' \
		"$by_14" "$by_19"
}

FAILED=()
# What the command prints below the title, and how to run it alone; of a title that is not wanted, or whose
# command fails, what the page says so far. set -e is off in what is called here.
section() { # TITLE COMMAND...
	local title=$1
	shift
	printf '\n'
	if is_wanted "$title" && measure "$@" >"$WORK/section"; then
		printf '## %s\n\nMeasured on %s: %s.\n\n' "$title" "$(date +%F)" "$(machine)"
		cat "$WORK/section"
	else
		if is_wanted "$title"; then
			FAILED+=("$title")
			sed 's/^/      | /' "$WORK/section" >&2
		fi
		kept "$title"
	fi
}

measure() { # COMMAND...
	local words="$*"
	words=${words/#verbatim }
	words=${words//"$BUILD"/build}
	words=${words//"$SOURCE/"/}
	printf '`%s`\n' "$words"
	echo "$(date +%T) ${words%% *}" >&2
	"$@"
}

verbatim() { # COMMAND...
	printf '\n```\n'
	"$@" || return
	echo '```'
}

run_each() { # PROGRAM...
	local program
	for program; do "$program" || return; done
}

machine() {
	printf '%s, %s CPUs, kernel %s' "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)" \
		"$(nproc)" "$(uname -r)"
}

{
	sed '/^<!-- measured -->$/q' "$SOURCE/benchmarks/performance.md.in"
	section 'Cost per packet' "$BENCH/bench-packet" "${OBJECTS[@]}"
	section 'What each step costs' "$BENCH/bench-steps" "${OBJECTS[@]}"
	section 'Deciding over time' "$BENCH/bench-over-time" "${OBJECTS[@]}"
	section 'Exact over time' verbatim run_each "$BUILD"/tests/bpf/test_{exact_model,blocks,rates}
	section 'A flood of more sources than there is room for' "$BENCH/bench-flood" "${OBJECTS[@]}"
	section 'Events' "$SOURCE/benchmarks/bench_events.sh" "$BUILD"
	section 'A hostile source' "$SOURCE/benchmarks/bench_block.sh" "$BUILD"
	section 'Rules on processes and memory' "$SOURCE/benchmarks/bench_processes.sh" "$BUILD"
	section 'Loading the programs of rules on processes' "$BENCH/bench-process-attach"
	section 'A fork bomb' verbatim env SYNFW_BOMB=10000,100000 "$SOURCE/netns-tests/run.sh" -v "$BUILD" \
		processes-bomb
	section 'Large sets, another source each time' "$BENCH/bench-sources" "${OBJECTS[@]}"
	section 'Rule sets and lists of others' "$BENCH/bench-data" "${OBJECTS[@]}"
	section 'Packets a second across veth' "$SOURCE/benchmarks/bench_live.sh" "$BUILD"
	section 'Apply' "$SOURCE/benchmarks/bench_apply.sh" "$BUILD"
	section 'Apply of a list' "$SOURCE/benchmarks/bench_apply_sets.sh" "$BUILD"
	section 'Adding an address' "$SOURCE/benchmarks/bench_set_add.sh" "$BUILD"
	section 'Verified instructions' verified_by_both
	section 'Reload under traffic' verbatim "$SOURCE/netns-tests/run.sh" -v "$BUILD" reload
	section 'Default-drop under open connections' verbatim env SYNFW_APPLIES=10000 \
		"$SOURCE/netns-tests/run.sh" "$BUILD" \
		tracking:open_connections_survive_the_switch_and_reloads \
		tracking:busy_connections_lose_nothing_to_the_switch_and_reloads
	section 'Every failure of bpf()' verbatim "$SOURCE/netns-tests/run.sh" "$BUILD" fault
} >"$WORK/performance.md"
mv "$WORK/performance.md" "$OUT"
python3 "$SOURCE/benchmarks/plot.py" "$OUT" "$SOURCE/docs"
echo "wrote docs/performance.md"
[ ${#FAILED[@]} -eq 0 ] || {
	printf 'failed, and left as it was: %s\n' "${FAILED[@]}" >&2
	exit 1
}
