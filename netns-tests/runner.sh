# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# The runner runs every case, and what it does not run it does not count as passed.

# A ring of its own, whose only topic is "topic" with these lines.
ring() { # LINE...
	mkdir -p "$T/ring/netns-tests"
	cp "$SOURCE/netns-tests/run.sh" "$SOURCE/netns-tests/lib.sh" "$T/ring/netns-tests"
	printf '%s\n' "$@" >"$T/ring/netns-tests/topic.sh"
	[ -e "/run/netns/$EDGE" ] || add_host "$EDGE"
}

run_ring() { on_edge "$T/ring/netns-tests/run.sh" "$BUILD" "$@"; }

prints() { # WORDS
	grep -qF -- "$1" "$T/out" || { cat "$T/out" "$T/err" >&2; fail "does not print \"$1\""; }
}

prints_not() { # WORDS
	! grep -F -- "$1" "$T/out" "$T/err" || fail "prints \"$1\""
}

test_counts_what_passes_and_what_fails() {
	ring 'test_good() { true; }'
	exits 0 run_ring
	prints "ok    topic: good"
	prints "2 passed, 0 failed"
	ring 'test_good() { true; }' 'test_bad() { false; true; }'
	exits 1 run_ring
	prints "FAIL  topic: bad"
	prints "2 passed, 1 failed"
	exits 0 run_ring topic:good
	exits 1 run_ring topic:bad
}

test_knows_every_way_to_write_a_case() {
	ring 'function test_one { false; }' 'function test_two() { false; }' 'test_three () { false; }' \
		'test_four()' '{' 'false' '}' 'test_five() (' 'false' ')' '	test_Six() { false; }'
	exits 1 run_ring
	prints "1 passed, 6 failed"
}

test_fails_for_a_case_that_another_one_hides() {
	ring 'test_one() { false; }' 'test_one() { true; }'
	exits 1 run_ring
	prints "defines 2 cases, and bash knows 1 of them"
}

test_fails_for_a_case_that_bash_does_not_see() {
	ring 'test_one() { true; }' 'if false; then' 'test_two() { false; }' 'fi'
	exits 1 run_ring
	prints "defines 2 cases, and bash knows 1 of them"
	ring 'test_one() { true; }' 'test-two() { false; }'
	exits 1 run_ring
	prints "defines 2 cases, and bash knows 1 of them"
}

test_fails_for_a_topic_that_bash_cannot_read() {
	ring 'test_one() { true; }' 'test_two() {'
	exits 1 run_ring
	prints "bash cannot read it"
}

test_fails_for_a_topic_without_cases() {
	ring 'tset_one() { true; }'
	exits 1 run_ring
	prints "it has no case"
}

test_refuses_words_that_name_nothing() {
	ring 'test_one() { true; }'
	for word in topics topic:two topic: topic:one:one lib run ""; do
		exits 2 run_ring "$word"
		says "but: "
		prints_not "0 failed"
		exits 2 run_ring topic "$word"
		prints_not "0 failed"
	done
}

test_prints_what_cases_say_that_fail_or_when_it_is_asked_to() {
	ring 'test_one() { echo "words of one"; }'
	SYNFW_VERBOSE=0 exits 0 run_ring
	prints_not "words of one"
	SYNFW_VERBOSE=1 exits 0 run_ring
	prints "words of one"
	SYNFW_VERBOSE=0 exits 0 on_edge "$T/ring/netns-tests/run.sh" -v "$BUILD"
	prints "words of one"
	ring 'test_one() { echo "words of one"; false; }'
	SYNFW_VERBOSE=0 exits 1 run_ring
	prints "words of one"
}

test_fails_for_what_a_case_leaves_behind() {
	ring 'test_one() { mkdir "/tmp/$CASE_ID.left"; ls -d "/tmp/$CASE_ID.left" >'"$T/left"'; }'
	exits 1 run_ring
	prints "left behind: directory"
	rmdir "$(cat "$T/left")"
}
