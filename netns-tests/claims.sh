# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# The claims that all cases are made of can fail.

cannot_pass() { # CLAIM...
	local status=0
	("$@") >/dev/null 2>"$T/said" || status=$?
	[ $status = 1 ] || fail "\"$*\" ended with $status"
	grep -q '^failed: ' "$T/said" || { cat "$T/said" >&2; fail "\"$*\" does not say that it failed"; }
}

test_of_output_need_output() {
	exits 0 true
	cannot_pass json .
	cannot_pass json 'true'
	cannot_pass json '.warnings == null'
	rm "$T/out"
	cannot_pass json 'true'
	exits 0 echo "no JSON"
	cannot_pass json 'true'
}

test_of_output_hold_for_each_object() {
	exits 0 printf '{"a": 1}\n{"a": 2}\n'
	json '.a > 0'
	cannot_pass json '.a == 1'
	cannot_pass json '.a == 2'
	cannot_pass json '.a == (1, 2)'
	cannot_pass json 'select(.a == 2) | true'
	cannot_pass json 'empty'
	cannot_pass json '.a'
	cannot_pass json '.a =='
}

test_of_equality_need_something() {
	equal 1 1 "numbers"
	equal none none "words"
	equal $'two\nlines' $'two\nlines' "lines"
	cannot_pass equal $'two\nlines' $'two\nother lines' "lines"
	cannot_pass equal $'two\nlines' "" "lines"
	cannot_pass equal 1 2 "numbers"
	cannot_pass equal "" 2 "numbers"
	cannot_pass equal "" "" "what two commands said that failed"
}

test_of_messages_need_words() {
	exits 0 sh -c 'echo "no such file" >&2'
	says "such file"
	cannot_pass says "such a file"
	cannot_pass says ""
	cannot_pass warns_of_nothing
	exits 0 true
	warns_of_nothing
}

test_of_status_look_at_it() {
	exits 3 sh -c 'exit 3'
	cannot_pass exits 0 sh -c 'exit 3'
	cannot_pass exits 0 "$T/no-such-program"
}

test_of_traffic_need_traffic() {
	local packet="proto=tcp,src=$CLIENT4,dst=$EDGE4,dport=23"
	add_hosts
	policy block <<-E
		defaults: {incoming: allow}
		rules: [{name: telnet, to: 23/tcp, action: drop}]
	E
	passes 20 "$packet"
	cannot_pass drops 20 "$packet"
	apply block
	drops 20 "$packet"
	cannot_pass passes 20 "$packet"
	ip -n "$EDGE" link set eth0 down
	cannot_pass drops 20 "$packet"
	cannot_pass passes 20 "$packet"
}

test_of_the_state_need_a_bpffs() {
	equal "$(state)" nothing "what is pinned"
	umount "$T/bpf"
	cannot_pass state
}
