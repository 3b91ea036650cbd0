#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The netns ring: netns-tests/run.sh [BUILD [TOPIC[:CASE]...]]
#
# Runs every function test_* of every topic, each in a shell of its own, prints a line for each, and
# ends with the counts. Needs root, network namespaces and BPF; where it has none it fails, as a
# ring that skips itself proves nothing.
set -uo pipefail

SOURCE=$(cd "$(dirname "$0")/.." && pwd)
BUILD=$(cd "${1:-$SOURCE/build}" && pwd) || exit 1
shift
TOPICS=(drop neighbours monitor counters interfaces refusal detach json policies upgrade concurrent
	fault reload)
CASE_SECONDS=${SYNFW_CASE_SECONDS:-900}

LOG=$(mktemp -d /tmp/synfw-netns.XXXXXX)
PASSED=0 FAILED=0
trap 'rm -rf "$LOG"' EXIT

# Everything that a case could leave behind.
inventory() {
	ip netns list | cut -d' ' -f1 | grep '^sfw[0-9]' | sort
	ip -o link | cut -d: -f2 | cut -d@ -f1 | sort
	awk '$1 ~ /^sfw[0-9]/ || $2 ~ /sfw[0-9]/ {print $2}' /proc/mounts
	ls -d /tmp/sfw[0-9]* 2>/dev/null
	ls /sys/fs/bpf/synfw 2>/dev/null
}

result() { # STATUS NAME SECONDS
	if [ "$1" = 0 ]; then
		PASSED=$((PASSED + 1))
		printf 'ok    %-64s %4s s\n' "$2" "$3"
	else
		FAILED=$((FAILED + 1))
		printf 'FAIL  %-64s %4s s\n' "$2" "$3"
		sed 's/^/      | /' "$LOG/case"
	fi
}

run_case() { # TOPIC CASE
	local id=sfw$$n$((PASSED + FAILED)) status=0 began=$SECONDS
	inventory >"$LOG/before"
	BUILD=$BUILD SOURCE=$SOURCE CASE_ID=$id timeout --kill-after=30 "$CASE_SECONDS" bash -c '
		. "$SOURCE/netns-tests/lib.sh"
		. "$SOURCE/netns-tests/$1.sh"
		case_begin
		"$2"' case "$1" "$2" >"$LOG/case" 2>&1 </dev/null || status=$?
	[ "$status" != 124 ] || printf 'not done after %s s\n' "$CASE_SECONDS" >>"$LOG/case"
	inventory >"$LOG/after"
	if ! diff "$LOG/before" "$LOG/after" >"$LOG/left"; then
		{ printf 'left behind:\n'; cat "$LOG/left"; } >>"$LOG/case"
		status=1
	fi
	result "$status" "$1: ${2#test_}" $((SECONDS - began))
}

cases_of() { sed -n 's/^\(test_[a-z0-9_]*\)() {.*/\1/p' "$SOURCE/netns-tests/$1.sh"; }

# Every file with cases is a topic that runs.
check_topics() {
	local file name
	for file in "$SOURCE"/netns-tests/*.sh; do
		name=$(basename "$file" .sh)
		[ -z "$(cases_of "$name")" ] && continue
		case " ${TOPICS[*]} " in
		*" $name "*) ;;
		*) printf 'FAIL  %s.sh has cases and is not run\n' "$name"; FAILED=$((FAILED + 1)) ;;
		esac
	done
}

check_topics
began=$SECONDS
for wanted in "${@:-${TOPICS[@]}}"; do
	topic=${wanted%%:*}
	for case in $(cases_of "$topic"); do
		case $wanted in
		"$topic" | "$topic:${case#test_}") run_case "$topic" "$case" ;;
		esac
	done
done
[ $((PASSED + FAILED)) -gt 0 ] || { echo "FAIL  no case was run"; FAILED=1; }
printf 'netns: %d passed, %d failed in %d s\n' "$PASSED" "$FAILED" $((SECONDS - began))
[ "$FAILED" = 0 ]
