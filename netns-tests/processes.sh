# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Rules on processes. Other work goes on on this machine, and these rules see all of it: they name only
# programs below the directory of the case.

prepare() { # programs that a rule may name: copies, in $T/bin
	local name
	add_hosts
	mkdir "$T/bin"
	for name in bad good other; do cp /usr/bin/touch "$T/bin/$name"; done
	cp /usr/bin/perl "$T/bin/net"
	cp /bin/sh "$T/bin/shell"
	cp /bin/sleep "$T/bin/waits"
}

live() { # YAML of rules on processes: applies it
	policy live <<-E
		processes:
		$(sed 's/^[[:space:]]*/  /' <<<"$1")
		${2:-}
	E
	apply live
}

runs() { # PROGRAM: it did what it was executed for
	rm -f "$T/made"
	"$T/bin/$1" "$T/made" || fail "$1 ended with $?"
	[ -e "$T/made" ] || fail "$1 ran and made no file"
}

is_killed() { # PROGRAM: before its first instruction
	local status=0
	rm -f "$T/made"
	"$T/bin/$1" "$T/made" 2>/dev/null || status=$?
	equal "$status" 137 "status of $1"
	[ ! -e "$T/made" ] || fail "$1 made a file before it was killed"
}

matches() { # RULE [FIELD]
	synfw show rules --json |
		jq --arg name "$1" --arg field "${2:-matches}" \
			'.process_rules[] | select(.name == $name) | .[$field]'
}

pins() { (cd "$T/bpf" && find . -path '*process*' -type f | sed 's|.*/||' | LC_ALL=C sort); }
hooks() { pins | sed -n 's/^link-//p' | paste -sd' '; }

test_kill_comes_before_the_first_instruction() {
	local i
	prepare
	runs bad
	live "- {name: bad, exec: $T/bin/bad, action: kill}"
	for i in $(seq 50); do is_killed bad; done
	runs good
	equal "$(matches bad)" 50 "matches"
}

test_hard_links_and_other_names_do_not_evade() {
	prepare
	ln "$T/bin/bad" "$T/bin/linked"
	ln -s "$T/bin/bad" "$T/bin/pointed"
	live "- {name: bad, exec: $T/bin/bad, action: kill}"
	is_killed linked
	is_killed pointed
	runs good
}

test_only_needed_hooks_are_attached() {
	prepare
	live "- {name: bad, exec: $T/bin/bad, action: kill}"
	equal "$(hooks)" "exec exit fork" "hooks of a policy that kills"
	live "- {name: bad, exec: $T/bin/bad, action: isolate}"
	equal "$(hooks)" "bind4 bind6 connect4 connect6 exec exit fork sendmsg4 sendmsg6" \
		"hooks of a policy that isolates"
	live "- {name: bad, exec: $T/bin/bad, action: flag}"
	equal "$(hooks)" "exec exit fork" "hooks of a policy that isolates no more"
	policy none <<<""
	apply none
	equal "$(pins | wc -l)" 0 "pins of a policy without rules on processes"
}

test_apply_replaces_the_rules() {
	prepare
	live "- {name: bad, exec: $T/bin/bad, action: kill}"
	is_killed bad
	runs other
	live "- {name: other, exec: $T/bin/other, action: kill}"
	runs bad
	is_killed other
	policy none <<<""
	apply none
	runs bad
	runs other
}

test_detach_leaves_nothing() {
	prepare
	live "- {name: bad, exec: $T/bin/bad, action: isolate}"
	exits 0 synfw detach
	equal "$(pins | wc -l)" 0 "pins"
	runs bad
}

test_a_failed_apply_changes_nothing() {
	prepare
	live "- {name: bad, exec: $T/bin/bad, action: kill}"
	policy worse <<-E
		processes: [{name: other, exec: $T/bin/other, action: kill}]
		tests: [{exec: $T/bin/other, expect: allow}]
	E
	exits 3 synfw apply "$T/worse.yaml"
	says "worse.yaml:5"
	says "expected allow, got kill by rule \"other\""
	is_killed bad
	runs other
	exits 0 synfw detach
	exits 3 synfw apply "$T/worse.yaml"
	equal "$(pins | wc -l)" 0 "pins after a first apply that failed"
	runs other
}

test_deny_without_the_means_is_refused() {
	prepare
	policy denies <<-E
		processes:
		  - {name: fine, exec: $T/bin/good, action: flag}
		  - {name: denied, exec: $T/bin/bad, action: deny}
	E
	run synfw apply "$T/denies.yaml"
	[ "$STATUS" != 0 ] || { echo "this kernel has BPF LSM"; return 0; }
	equal "$STATUS" 7 "status"
	says "denies.yaml:6: rule \"denied\""
	equal "$(pins | wc -l)" 0 "pins"
	runs bad
}

test_memory_rules_attach_what_they_need() {
	prepare
	memory() { # RULE
		policy live <<-E
			memory: [{name: eats, exec: $T/bin/net, $1, action: flag}]
		E
		apply live
	}
	memory "event: allocation, over: 64MiB"
	equal "$(hooks)" "exec exit fork rss-stat unmapped-area" "hooks of allocation"
	"$T/bin/net" -e '$x = "a" x (80 << 20)'
	[ "$(matches eats)" -gt 0 ] || fail "a request of 80 MiB was not found"
	memory "event: growth, over: 64MiB, within: 10s"
	equal "$(hooks)" "exec exit fork rss-stat" "hooks of growth"
	memory "event: wx-mapping"
	equal "$(hooks)" "exec exit fork mmap mprotect pkey-mprotect shmat" "hooks of wx-mapping"
	policy none <<<""
	apply none
	equal "$(pins | wc -l)" 0 "pins of a policy without rules on memory"
}

test_events_tell_of_a_killed_process() {
	prepare
	cp "$T/bin/bad" "$T/bin/"$'a\nb\\c\xff'
	live "- {name: bad, exec: $T/bin/bad, action: kill}
		- {name: odd, exec: \"$T/bin/**\", action: flag}"
	is_killed bad
	exits 0 synfw events --json
	json '.schema == "synfw.event/1" and .kind == "process" and .event == "exec" and
		.action == "kill" and .rule == "bad" and .line == 5 and .uid == 0 and
		(.path | endswith("/bin/bad")) and .comm == "bad" and .monitor == false'
	"$T/bin/"$'a\nb\\c\xff' "$T/made"
	exits 0 synfw events
	grep -q ' flag    pid [0-9]* (a\\x0ab\\x5cc\\xff) of user 0, parent [0-9]*, .*/bin/a\\x0ab\\x5cc\\xff: exec "odd" at ' \
		"$T/out" || { cat "$T/out" >&2; fail "the line is not as expected"; }
}
