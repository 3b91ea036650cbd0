#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Every test ring, on a fresh Debian 12: scripts/test.sh
#
# Installs what it needs, builds with clang 14 and with clang 19, runs the rings of both builds that
# depend on the compiler and the others once, and ends with the numbers. What cannot be run has
# failed; the one exception are the tests on foreign rule sets and lists, which are not part of the
# project: where they are absent the test says so and counts as nothing.
set -euo pipefail

SOURCE=$(cd "$(dirname "$0")/.." && pwd)
. "$SOURCE/scripts/packages.sh"
become_root "$@"
# shellcheck disable=SC2086 # words are what is wanted
packages_install $PACKAGES_VM

WORK=$(mktemp -d /tmp/synfw-test.XXXXXX)
trap 'rm -rf "$WORK"' EXIT
PASSED=0 FAILED=0
began=$SECONDS

count() { # PASSED FAILED
	PASSED=$((PASSED + $1))
	FAILED=$((FAILED + $2))
}

step() { printf '\n== %s (%d s)\n' "$*" $((SECONDS - began)); }

# A step that is one test: it passes or it fails, and its words are shown when it fails.
one_test() { # NAME COMMAND...
	local name=$1
	shift
	if "$@" >"$WORK/log" 2>&1; then
		echo "ok    $name"
		count 1 0
		return 0
	fi
	echo "FAIL  $name"
	tail -n 60 "$WORK/log"
	count 0 1
	return 1
}

build() { # CLANG
	meson setup "$WORK/$1" "$SOURCE" -Dclang="$1" &&
		ninja -C "$WORK/$1"
}

# With another compiler the command; what tests its programs is built for the ring.
build_command() { # CLANG
	meson setup "$WORK/$1" "$SOURCE" -Dclang="$1" &&
		ninja -C "$WORK/$1" agent/synfw
}

# Counts what the programs say: cmocka's and TAP's cases where there are any, else the program.
meson_ring() { # BUILD SUITE...
	local build=$1 suites=() suite status=0 passed failed
	shift
	for suite; do suites+=(--suite "$suite"); done
	rm -f "$build/meson-logs/testlog.json"
	(cd "$build" && meson test --print-errorlogs "${suites[@]}") || status=$?
	read -r passed failed < <(python3 "$SOURCE/scripts/count_cases.py" \
		"$build/meson-logs/testlog.json" || echo "0 1")
	count "$passed" "$failed"
	# a ring without tests has not passed
	if [ "$passed" = 0 ] && [ "$failed" = 0 ]; then count 0 1; fi
	# a ring that broke without naming a case has failed all the same
	if [ "$status" != 0 ] && [ "$failed" = 0 ]; then count 0 1; fi
}

# A ring that ends with a line "NAME: N passed, N failed".
shell_ring() { # NAME COMMAND...
	local name=$1 status=0 numbers
	shift
	"$@" | tee "$WORK/$name" || status=$?
	numbers=$(sed -n "s/^$name: \([0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p" "$WORK/$name")
	# shellcheck disable=SC2086 # two words
	count ${numbers:-0 1}
	if [ "$status" != 0 ] && [ "${numbers#* }" = 0 ]; then count 0 1; fi
}

step "build"
built=true
one_test "builds with clang-14" build clang-14 || built=false
one_test "builds with clang-19" build_command clang-19 || built=false
if $built; then
	one_test "kernels for the VM ring" "$SOURCE/tests/vm/run.sh" -f "$WORK/clang-14" || true
	one_test "installs" env DESTDIR="$WORK/root" meson install -C "$WORK/clang-14" || true
	step "unit, golden, check and fuzz rings"
	meson_ring "$WORK/clang-14" unit golden check fuzz
	step "bpf ring, clang 14"
	meson_ring "$WORK/clang-14" bpf
	step "bpf ring, clang 19"
	# what is drawn at random is drawn less often
	SYNFW_CHECKS=${SYNFW_CHECKS:-5000} SYNFW_SEQUENCES=${SYNFW_SEQUENCES:-1000} \
		meson_ring "$WORK/clang-19" bpf
	step "netns ring"
	# scripts/benchmark.sh makes 1,000
	export SYNFW_APPLIES=${SYNFW_APPLIES:-200}
	shell_ring netns "$SOURCE/netns-tests/run.sh" "$WORK/clang-14"
	step "VM ring, other kernels"
	shell_ring vm "$SOURCE/tests/vm/run.sh" -o "$WORK/clang-19" "$WORK/clang-14"
fi

printf '\nin %d s\n%d passed, %d failed\n' $((SECONDS - began)) "$PASSED" "$FAILED"
[ "$FAILED" = 0 ] && [ "$PASSED" -gt 0 ]
