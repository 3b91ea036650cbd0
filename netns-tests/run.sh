#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The netns ring: netns-tests/run.sh [-v] [BUILD [TOPIC[:CASE]...]]
#
# Runs every function test_* of every topic, each in a shell of its own, prints a line for each, and
# ends with the counts. Every file here is a topic but this one and lib*.sh. Needs root, network
# namespaces and BPF; where it has none it fails, as a ring that skips itself proves nothing. Cases
# share nothing, so some run at the same time (SYNFW_JOBS); -v, or SYNFW_VERBOSE=1, prints what cases
# that pass have written, too.
set -uo pipefail

VERBOSE=${SYNFW_VERBOSE:-0}
[ "${1:-}" = -v ] && { VERBOSE=1; shift; }
SOURCE=$(cd "$(dirname "$0")/.." && pwd)
BUILD=$(cd "${1:-$SOURCE/build}" && pwd) || exit 1
shift
# These are about time or load, about traffic at a rate, or their rules about programs of this machine.
ALONE=' concurrent policies processes-bomb reload upgrade '
JOBS=${SYNFW_JOBS:-$(nproc)}
CASE_SECONDS=${SYNFW_CASE_SECONDS:-900}

LOG=$(mktemp -d /tmp/synfw-netns.XXXXXX)
PASSED=0 FAILED=0 STARTED=0 ENDED=0
declare -A NAME CASES
trap 'rm -rf "$LOG"' EXIT

# What a case may have left behind; everything that it makes bears its id.
left_by() { # CASE_ID
	ip netns list 2>/dev/null | grep -o "^$1-[^ ]*" | sed 's/^/network namespace /'
	grep -o " /tmp/$1[.][^ ]*" /proc/mounts | sed 's/^/mount/'
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
	[ "$1" = 0 ] && [ "$VERBOSE" != 1 ] || sed 's/^/      | /' "$4"
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
	echo "$status $((SECONDS - began))" >"$LOG/$id.ending"
	mv "$LOG/$id.ending" "$LOG/$id.done"
}

collect() { # prints the results that are there
	local file id status seconds
	for file in "$LOG"/*.done; do
		[ -e "$file" ] || return 0
		id=${file##*/}
		id=${id%.done}
		read -r status seconds <"$file"
		result "$status" "${NAME[$id]}" "$seconds" "$LOG/$id"
		ENDED=$((ENDED + 1))
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

# ---- topics and cases ----------------------------------------------------------------------------

topics() {
	local file
	for file in "$SOURCE"/netns-tests/*.sh; do
		file=${file##*/}
		case $file in lib*.sh | run.sh) ;; *) echo "${file%.sh}" ;; esac
	done
}

# As bash reads the file, and in its order: no way to write a function is overlooked.
read_cases() { # TOPIC
	BUILD=$BUILD SOURCE=$SOURCE CASE_ID=none bash -c '
		. "$SOURCE/netns-tests/lib.sh" && . "$SOURCE/netns-tests/$1.sh" || exit 1
		shopt -s extdebug
		for name in $(compgen -A function test_); do declare -F "$name"; done' cases "$1" |
		sort -n -k 2 | cut -d' ' -f1
}

cases_of() { echo "${CASES[$1]}"; } # TOPIC

# What looks like a case but is none for bash, and a case whose name another one takes, would not run.
check_topic() { # TOPIC
	local known defined
	known=$(grep -c . <<<"${CASES[$1]}")
	defined=$(grep -cE '^[[:space:]]*(function[[:space:]]+test|test[A-Za-z0-9_-]*[[:space:]]*\()' \
		"$SOURCE/netns-tests/$1.sh")
	[ "$known" = "$defined" ] ||
		echo "it defines $defined cases, and bash knows $known of them" >>"$LOG/$1.topic"
	[ "$known" != 0 ] || echo "it has no case: a function test_*" >>"$LOG/$1.topic"
	[ ! -s "$LOG/$1.topic" ] || result 1 "runner: $1.sh can be run" 0 "$LOG/$1.topic"
}

one_of() { # WORD WORD...
	local word=$1 other
	shift
	for other; do [ "$word" != "$other" ] || return 0; done
	return 1
}

# A word that names nothing would run nothing, and nothing of nothing fails.
check_wanted() { # TOPIC[:CASE]...
	local wanted topic
	for wanted; do
		topic=${wanted%%:*}
		# shellcheck disable=SC2046 # names are words
		if ! one_of "$topic" $(topics); then
			echo "there is no topic \"$topic\", but:" $(topics) >&2
			exit 2
		fi
		# shellcheck disable=SC2046
		if [ "$wanted" != "$topic" ] && ! one_of "test_${wanted#*:}" $(cases_of "$topic"); then
			echo "$topic has no case \"${wanted#*:}\", but:" \
				$(cases_of "$topic" | sed 's/^test_//') >&2
			exit 2
		fi
	done
}

began=$SECONDS
for topic in $(topics); do
	CASES[$topic]=$(read_cases "$topic" 2>"$LOG/$topic.topic") ||
		echo "bash cannot read it" >>"$LOG/$topic.topic"
done
check_wanted "$@"
# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $(topics)
for topic in $(topics); do check_topic "$topic"; done
inventory >"$LOG/before"
for wanted; do
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
if [ "$STARTED" = 0 ] || [ "$ENDED" != "$STARTED" ]; then
	echo "$STARTED cases were started, and $ENDED of them ended" >"$LOG/ended"
	result 1 "runner: every case ended" 0 "$LOG/ended"
fi
printf 'netns: %d passed, %d failed in %d s\n' "$PASSED" "$FAILED" $((SECONDS - began))
[ "$FAILED" = 0 ]
