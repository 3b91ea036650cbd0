#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The netns ring: netns-tests/run.sh [-v] [BUILD [TOPIC[:CASE]...]]
#
# Runs every function test_* of every topic, each in a shell of its own, prints a line for each, and
# ends with the counts. Needs root, network namespaces and BPF; where it has none it fails, as a
# ring that skips itself proves nothing. Cases share nothing, so some run at the same time
# (SYNFW_JOBS); -v prints what cases that pass have written, too.
set -uo pipefail

VERBOSE=no
[ "${1:-}" = -v ] && { VERBOSE=yes; shift; }
SOURCE=$(cd "$(dirname "$0")/.." && pwd)
BUILD=$(cd "${1:-$SOURCE/build}" && pwd) || exit 1
shift
TOPICS=(drop dynamic neighbours monitor counters interfaces refusal detach json policies upgrade concurrent
	fault reload)
ALONE=' concurrent reload upgrade '	# these are about time, or about traffic at a rate
JOBS=${SYNFW_JOBS:-$(nproc)}
CASE_SECONDS=${SYNFW_CASE_SECONDS:-900}

LOG=$(mktemp -d /tmp/synfw-netns.XXXXXX)
PASSED=0 FAILED=0 STARTED=0
declare -A NAME
trap 'rm -rf "$LOG"' EXIT

# What a case may have left behind; everything that it makes bears its id.
left_by() { # CASE_ID
	ip netns list 2>/dev/null | grep -o "^$1-[^ ]*" | sed 's/^/network namespace /'
	grep -o " /tmp/$1[^ ]*" /proc/mounts | sed 's/^/mount/'
	ls -d "/tmp/$1".* 2>/dev/null | sed 's/^/directory /'
	grep -lsz "^CASE_ID=$1\$" /proc/[0-9]*/environ | sed 's/^/process /'
}

# And what none may touch: this machine's own interfaces and pins.
inventory() {
	ip -o link | cut -d: -f2
	ls /sys/fs/bpf 2>/dev/null
}

result() { # STATUS NAME SECONDS LOG
	if [ "$1" = 0 ]; then
		PASSED=$((PASSED + 1))
		printf 'ok    %-66s %4s s\n' "$2" "$3"
	else
		FAILED=$((FAILED + 1))
		printf 'FAIL  %-66s %4s s\n' "$2" "$3"
	fi
	[ "$1" = 0 ] && [ $VERBOSE = no ] || sed 's/^/      | /' "$4"
}

run_case() { # CASE_ID TOPIC CASE: leaves a log and "STATUS SECONDS"
	local id=$1 began=$SECONDS status=0
	BUILD=$BUILD SOURCE=$SOURCE CASE_ID=$id timeout --kill-after=30 "$CASE_SECONDS" bash -c '
		. "$SOURCE/netns-tests/lib.sh"
		. "$SOURCE/netns-tests/$1.sh"
		case_begin
		"$2"' case "$2" "$3" >"$LOG/$id" 2>&1 </dev/null || status=$?
	[ "$status" != 124 ] || echo "not done after $CASE_SECONDS s" >>"$LOG/$id"
	left_by "$id" | sed 's/^/left behind: /' >"$LOG/$id.left"
	if [ -s "$LOG/$id.left" ]; then
		cat "$LOG/$id.left" >>"$LOG/$id"
		status=1
	fi
	echo "$status $((SECONDS - began))" >"$LOG/$id.done"
}

collect() { # prints the results that are there
	local file id status seconds
	for file in "$LOG"/*.done; do
		[ -e "$file" ] || return 0
		id=$(basename "$file" .done)
		read -r status seconds <"$file"
		result "$status" "${NAME[$id]}" "$seconds" "$LOG/$id"
		rm "$file"
	done
}

start_case() { # TOPIC CASE LIMIT: once fewer than LIMIT are running
	local id
	while [ "$(jobs -rp | wc -l)" -ge "$3" ]; do
		wait -n
		collect
	done
	STARTED=$((STARTED + 1))
	id=sfw$$n$STARTED
	NAME[$id]="$1: ${2#test_}"
	run_case "$id" "$1" "$2" &
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
		*) echo "cases that are not run" >"$LOG/topics"; result 1 "$name.sh" 0 "$LOG/topics" ;;
		esac
	done
}

began=$SECONDS
check_topics
inventory >"$LOG/before"
for wanted in "${@:-${TOPICS[@]}}"; do
	topic=${wanted%%:*}
	limit=$JOBS
	case $ALONE in *" $topic "*) limit=1 ;; esac
	for case in $(cases_of "$topic"); do
		case $wanted in
		"$topic" | "$topic:${case#test_}") start_case "$topic" "$case" "$limit" ;;
		esac
	done
	[ $limit -gt 1 ] || { wait; collect; }
done
wait
collect
inventory >"$LOG/after"
diff "$LOG/before" "$LOG/after" >"$LOG/inventory"
result $? "runner: this machine's interfaces and pins are as before" 0 "$LOG/inventory"
if [ "$STARTED" = 0 ]; then
	echo "no case was run" >"$LOG/none"
	result 1 "runner: something was run" 0 "$LOG/none"
fi
printf 'netns: %d passed, %d failed in %d s\n' "$PASSED" "$FAILED" $((SECONDS - began))
[ "$FAILED" = 0 ]
