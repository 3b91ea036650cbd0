# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Rules that deny an exec: where programs can refuse it fails, elsewhere the policy is refused or the rule
# falls back. SYNFW_REFUSES_BY says how they can here: lsm, fmod_ret; not set: this is not known. Rules name
# only programs below the directory of the case.

prepare() {
	add_hosts
	mkdir "$T/bin"
	cp "$(type -P touch)" "$T/bin/bad"
	cp "$(type -P touch)" "$T/bin/good"
}

status_of() { # PROGRAM: with which it ends
	local status=0
	rm -f "$T/made"
	bash -c '"$0" "$1"' "$T/bin/$1" "$T/made" 2>/dev/null || status=$?
	echo $status
}

is_denied() { # PROGRAM; 126: the shell could not execute it
	equal "$(status_of "$1")" 126 "status of $1"
	[ ! -e "$T/made" ] || fail "$1 ran"
}

test_deny_fails_the_exec_or_is_refused() {
	prepare
	policy denies <<-E
		processes:
		  - {name: fine, exec: $T/bin/good, action: flag}
		  - {name: args-unknown, exec: $T/bin/bad, args: [-x], score: 1}
		  - {name: args-tried, exec: $T/bin/bad, args: [-x], action: kill, mode: monitor}
		  - {name: points, exec: $T/bin/bad, score: 5}
		  - {name: denied, exec: $T/bin/bad, action: deny}
		  - {name: alone, exec: $T/bin/none, action: isolate, fallback: kill}
		process-scoring: {flag-at: 5, act-at: 100, action: isolate, fallback: kill, decay: 1/h}
	E
	run synfw apply "$T/denies.yaml"
	if [ "$STATUS" = 7 ] && [ -z "${SYNFW_REFUSES_BY-}" ]; then
		says "denies.yaml:9: rule \"denied\""
		[ ! -e "$SYNFW_BPFFS" ] || fail "pins are left"
		equal "$(status_of bad)" 0 "status of a program that no policy denies"
		return
	fi
	equal "$STATUS" 0 "status of apply"
	is_denied bad
	equal "$(status_of good)" 0 "status of another program"
	exits 0 synfw status --json
	json '.processes.fallbacks == [] and .processes.isolation == "full" and
		([.processes.hooks[].hook] | contains(["deny", "accept", "listen"]))'
	json ".processes.refuses_by | IN(\"${SYNFW_REFUSES_BY:-lsm\", \"fmod_ret}\")"
	exits 0 synfw show rules --json
	json '.process_rules | map(select(.name | IN("points", "denied")) | .matches) == [1, 1]'
	exits 0 synfw events --json
	jq -es 'map(select(.rule == "denied") | [.action, .crossed, .score_before, .score_after]) ==
		[["deny", true, 0, 5]]' "$T/out" >/dev/null ||
		{ cat "$T/out" >&2; fail "there is no event of the denial, or another one"; }
	exits 1 synfw trace --exec "$T/bin/bad" --json
	json '.verdict == "deny" and .rule == "denied"'
	apply denies
	is_denied bad
	rm "$SYNFW_BPFFS"/abi*/process/link-accept
	exits 0 synfw status --json
	json '.processes.isolation == "partial" and (.warnings | any(test("\"accept\"")))'
	apply denies
	rm "$SYNFW_BPFFS"/abi*/process/link-fork
	exits 0 synfw status --json
	json '.processes.isolation == "partial" and (.warnings | any(test("\"fork\"")))'
	exits 0 synfw detach
	equal "$(status_of bad)" 0 "status after detach"
	equal "$(state)" nothing "what is pinned after detach"
}

# Of what isolates, only what can deny an exec can refuse all calls on sockets.
test_isolation_without_accept_is_refused() {
	local rule="name: alone, exec: $T/bin/bad, action: isolate"
	local grows="name: grows, event: growth, over: 1GiB, within: 1s, action: isolate"
	local points='process-scoring: {act-at: 10, decay: 1/h, action: isolate' by
	prepare
	policy first <<-E
		processes: [{name: points, exec: $T/bin/none, score: 1}, {$rule}]
		$points}
	E
	policy second <<-E
		processes: [{$rule, fallback: kill}]
		memory: [{$grows}]
	E
	policy third <<-E
		processes: [{name: points, exec: $T/bin/none, score: 1}, {$rule, fallback: partial}]
		memory: [{$grows, fallback: partial}]
		$points, fallback: partial}
	E
	policy fourth <<-E
		processes: [{name: points, exec: $T/bin/none, score: 1}, {$rule, fallback: partial}]
		memory: [{$grows, fallback: flag}]
		$points}
	E
	policy idle <<-E
		processes: [{name: points, exec: $T/bin/none, score: 1, mode: monitor}, {$rule, fallback: partial}]
		$points, on-peer-block: flag}
	E
	policy monitors <<-E
		mode: monitor
		processes: [{$rule}]
		$points}
	E
	policy one-monitors <<-E
		processes: [{$rule, mode: monitor}]
	E
	exits 0 synfw apply "$T/monitors.yaml"
	cp "$T/err" "$T/told"
	exits 0 synfw status --json
	by=$(jq -r '.processes.refuses_by // ""' "$T/out")
	[ -z "${SYNFW_REFUSES_BY-}" ] || equal "$by" "$SYNFW_REFUSES_BY" "what refuses here"
	if [ -n "$by" ]; then
		exits 0 synfw apply "$T/first.yaml"
		exits 0 synfw apply "$T/third.yaml" # whose fallback is partial
		! grep -q "in part" "$T/err" || fail "apply tells of what it does not lack"
		exits 0 synfw status --json
		json '.processes.isolation == "full" and .processes.fallbacks == []'
		return
	fi
	grep -q 'mode block.*rule "alone" isolates' "$T/told" || fail "nobody is told what mode block would say"
	exits 0 synfw apply "$T/one-monitors.yaml"
	! grep -q 'fallback\|process-scoring' "$T/err" || fail "apply tells of what nobody asked for"
	exits 7 synfw apply --dry-run "$T/first.yaml"
	says "first.yaml:4: rule \"alone\" isolates, and here accept(2) and listen(2), and what raw"
	says '`fallback: partial` isolates without'
	says '1 more that deny or isolate have no `fallback`'
	exits 7 synfw apply "$T/first.yaml"
	exits 7 synfw apply "$T/second.yaml"
	says "second.yaml:5: rule \"grows\" isolates, and here accept(2)"
	exits 7 synfw apply "$T/fourth.yaml"
	says "fourth.yaml:6: process-scoring isolates, and here accept(2)"
	equal "$(live_policy)" one-monitors "policy in force behind what was refused"
	exits 0 synfw apply "$T/idle.yaml" # no rule gives points, so nothing leads to it
	exits 0 synfw apply "$T/third.yaml"
}

test_isolation_without_accept_is_in_part_or_falls_back() {
	local rule="name: alone, exec: $T/bin/bad, action: isolate"
	prepare
	policy isolates <<-E
		processes: [{$rule, fallback: partial}]
	E
	apply isolates
	exits 0 synfw status --json
	if [ "$(jq -r .processes.isolation "$T/out")" = full ]; then
		! grep -q 'accept(2)' "$T/err" || fail "apply tells of what it does not lack"
		return
	fi
	json '.processes.isolation == "partial" and .processes.fallbacks == [] and .warnings == []'
	exits 0 synfw status
	grep -q '^isolation:  in part' "$T/out" || fail "status does not tell it"
	policy isolates <<-E
		processes: [{$rule, fallback: partial}]
		memory: [{name: grows, event: growth, over: 1GiB, within: 1s, action: isolate, fallback: partial}]
	E
	exits 0 synfw apply "$T/isolates.yaml"
	grep -q 'rule "alone" (and 1 more) isolates in part, .* accept(2)' "$T/err" || fail "apply does not tell it"
	exits 0 synfw apply --dry-run "$T/isolates.yaml"
	grep -q 'rule "alone" (and 1 more) isolates in part' "$T/err" || fail "a dry run does not tell it"
	policy otherwise <<-E
		processes: [{$rule, fallback: kill}]
		memory: [{name: grows, event: growth, over: 1GiB, within: 1s, action: isolate, fallback: flag}]
		tests: [{exec: $T/bin/bad, expect: kill, rule: alone}]
	E
	exits 1 synfw trace --policy "$T/otherwise.yaml" --exec "$T/bin/bad" --json
	json '.verdict == "kill" and .cause == "fallback" and .rule == "alone"'
	sed 's/expect: kill/expect: isolate/' "$T/otherwise.yaml" >"$T/wrong.yaml"
	exits 3 synfw apply "$T/wrong.yaml"
	says 'expected isolate by rule "alone", got kill, the fallback of rule "alone"'
	exits 0 synfw apply "$T/otherwise.yaml"
	grep -q 'rule "alone" isolates.*: its fallback, kill, is in force' "$T/err" ||
		fail "apply does not tell of the fallback"
	equal "$(status_of bad)" 137 "status of a program that is killed"
	[ ! -e "$T/made" ] || fail "the program ran"
	exits 0 synfw status --json
	json '.processes.isolation == null and (.processes.hooks | all(.hook != "connect4")) and
		.processes.fallbacks == [{rule: "alone", line: 4, action: "isolate", instead: "kill"},
			{rule: "grows", line: 5, action: "isolate", instead: "flag"}]'
	exits 0 synfw status
	grep -q '^fallback:   rule "alone" isolates.*: kill instead$' "$T/out" || fail "status does not tell it"
}

test_points_that_isolate_fall_back() {
	prepare
	policy points <<-E
		processes: [{name: bad, exec: $T/bin/bad, score: 10}]
		process-scoring: {act-at: 10, decay: 1/h, action: isolate, fallback: kill}
	E
	apply points
	cp "$T/err" "$T/told"
	exits 0 synfw status --json
	if [ "$(jq -r .processes.isolation "$T/out")" = full ]; then
		json '.processes.fallbacks == []'
		equal "$(status_of bad)" 0 "status of a program that is isolated"
		return
	fi
	json '.processes.isolation == null and (.processes.hooks | all(.hook != "connect4")) and
		.processes.fallbacks == [{rule: null, line: 5, action: "isolate", instead: "kill"}]'
	grep -q 'process-scoring isolates.*: its fallback, kill, is in force' "$T/told" ||
		fail "apply does not tell of the fallback"
	exits 0 synfw status
	grep -q '^fallback:   process-scoring isolates.*: kill instead$' "$T/out" || fail "status does not tell it"
	exits 1 synfw trace --exec "$T/bin/bad" --json
	json '.verdict == "kill" and .cause == "scoring"'
	equal "$(status_of bad)" 137 "status of a program that is killed"
	[ ! -e "$T/made" ] || fail "the program ran"
	policy in-part <<-E
		processes: [{name: bad, exec: $T/bin/bad, score: 10}]
		process-scoring: {act-at: 10, decay: 1/h, action: isolate, fallback: partial}
	E
	exits 1 synfw diff "$T/in-part.yaml"
	grep -q 'process-scoring.*fallback partial' "$T/out" || { cat "$T/out" >&2; fail "diff does not tell it"; }
	exits 0 synfw apply "$T/in-part.yaml"
	grep -q 'process-scoring isolates in part, .* accept(2)' "$T/err" || fail "apply does not tell it"
	exits 0 synfw status --json
	json '.processes.isolation == "partial" and .processes.fallbacks == []'
}

# Points that no rule gives lead nowhere, so nothing falls back.
test_what_nothing_leads_to_does_not_fall_back() {
	prepare
	policy idle <<-E
		process-scoring: {act-at: 10, decay: 1/h, action: isolate, fallback: kill}
	E
	exits 0 synfw apply "$T/idle.yaml"
	! grep -q 'fallback, kill, is in force' "$T/err" || fail "apply tells of a fallback"
	exits 0 synfw status --json
	json '.processes == null'
}

test_a_fallback_is_in_force_and_told() {
	prepare
	policy denies <<-E
		processes: [{name: denied, exec: $T/bin/bad, action: deny, fallback: kill}]
	E
	apply denies
	[ -n "${SYNFW_REFUSES_BY-}" ] || grep -q 'its fallback, kill, is in force' "$T/err" ||
		synfw status | grep -q '^hook:       deny' || fail "apply does not tell of the fallback"
	equal "$(status_of good)" 0 "status of another program"
	if [ -n "${SYNFW_REFUSES_BY-}" ]; then is_denied bad; return; fi
	exits 0 synfw status --json
	json '.processes.fallbacks == [{rule: "denied", line: 4, action: "deny", instead: "kill"}] or
		.processes.fallbacks == []'
	if [ "$(jq '.processes.fallbacks | length' "$T/out")" = 0 ]; then is_denied bad; return; fi
	equal "$(status_of bad)" 137 "status of a program that is killed"
	[ ! -e "$T/made" ] || fail "the program ran"
	exits 0 synfw status
	grep -q '^fallback:   rule "denied" denies' "$T/out" || fail "status does not tell it"
}
