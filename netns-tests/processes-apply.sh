# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Putting rules on processes in force, when something goes wrong, and by other builds of synfw. Rules
# name only programs below the directory of the case.

NEXT=$BUILD/netns-tests/next/synfw-next
OTHER_ABI=$BUILD/netns-tests/other-abi/synfw-other-abi
# of enum bpf_cmd
PROG_LOAD=5 OBJ_PIN=6 RAW_TRACEPOINT_OPEN=17 ITER_CREATE=33
KILLS=${SYNFW_KILLS:-12}

prepare() {
	add_hosts
	mkdir "$T/bin"
	cp /usr/bin/touch "$T/bin/bad"
	cp /usr/bin/touch "$T/bin/other"
	policy bad <<-E
		processes: [{name: bad, exec: $T/bin/bad, action: kill}]
	E
	policy other <<-E
		processes: [{name: other, exec: $T/bin/other, action: kill},
		  {name: alone, exec: $T/bin/none, action: isolate, fallback: partial}]
	E
	policy none <<<""
}

made() { # PROGRAM: "killed" or "ran"; else how it ended
	local status=0
	rm -f "$T/made"
	"$T/bin/$1" "$T/made" 2>/dev/null || status=$?
	case $status in
	0) if [ -e "$T/made" ]; then echo ran; else echo "made nothing"; fi ;;
	137) if [ -e "$T/made" ]; then echo "killed late"; else echo killed; fi ;;
	*) echo "ended with $status" ;;
	esac
}

in_force() { # by what programs meet
	case "$(made bad) $(made other)" in
	"killed ran") echo bad ;;
	"ran killed") echo other ;;
	"ran ran") echo none ;;
	*) echo both ;;
	esac
}

pins() { (cd "$T/bpf" && find . -path '*/process*' | LC_ALL=C sort); }

failing() { # BPF_COMMAND NUMBER POLICY: an apply of which one call fails
	run on_edge env LD_PRELOAD="$TOOLS/libfail_bpf.so" FAIL_BPF_COMMAND="$1" FAIL_BPF_AT="$2" \
		FAIL_BPF_LAST="$2" FAIL_BPF_ERRNO=12 "$SYNFW" apply "$T/$3.yaml"
}

test_calls_that_fail_are_undone() {
	local number before
	prepare
	apply bad
	before=$(pins)
	failing $ITER_CREATE 1 other
	equal "$STATUS" 7 "status of an apply that cannot go through all tasks"
	equal "$(in_force)" bad "policy that programs meet"
	equal "$(pins)" "$before" "pins"
	for number in $(seq 6); do
		failing $OBJ_PIN "$number" other
		equal "$STATUS" 7 "status of an apply whose pin $number failed"
		equal "$(in_force)" bad "policy that programs meet"
		equal "$(pins)" "$before" "pins"
	done
}

test_a_program_that_the_kernel_refuses_is_told_by_its_rule() {
	local number named=""
	prepare
	policy rules <<-E
		processes:
		  - {name: first, exec: $T/bin/none, action: flag}
		  - {name: alone, exec: $T/bin/none, action: isolate, fallback: partial}
	E
	apply none
	for number in $(seq 40); do # some of these calls only try what the kernel can do
		run on_edge env LD_PRELOAD="$TOOLS/libfail_bpf.so" FAIL_BPF_COMMAND=$PROG_LOAD FAIL_BPF_AT="$number" \
			FAIL_BPF_ERRNO=1 "$SYNFW" apply "$T/rules.yaml"
		if [ "$STATUS" = 0 ]; then apply none; continue; fi
		equal "$STATUS" 7 "status where load $number is refused"
		named="$named $(sed -nE 's/.*rule "(.*)" needs the hook "(.*)", whose program cannot be loaded.*/\1:\2/p' "$T/err")"
	done
	grep -q ' first:exec.* ' <<<"$named " || fail "no rule is named for the hook of exec: $named"
	grep -q ' alone:connect4 ' <<<"$named " || fail "the rule that isolates is not named: $named"
}

test_first_apply_that_fails_leaves_nothing() {
	local number
	prepare
	apply none
	for number in 1 2 3; do
		failing $RAW_TRACEPOINT_OPEN "$number" bad
		equal "$STATUS" 7 "status of an apply whose tracepoint $number failed"
		says "bad.yaml:4: rule \"bad\" needs the hook"
		equal "$(in_force)" none "policy that programs meet"
		equal "$(pins | wc -l)" 0 "pins"
	done
	exits 0 synfw detach
	for number in 1 30 40 44; do
		failing $OBJ_PIN "$number" bad
		equal "$STATUS" 7 "status of a first apply whose pin $number failed"
		equal "$(in_force)" none "policy that programs meet"
		[ ! -e "$SYNFW_BPFFS" ] || fail "pins of a first apply are left"
	done
}

test_killed_apply_leaves_one_policy() {
	local i new now ms delay hits=0
	prepare
	apply bad
	exits 0 synfw apply "$T/other.yaml" --json
	ms=$(jq .duration_ms "$T/out")
	for i in $(seq "$KILLS"); do
		new=$(sed -n "$((i % 3 + 1))p" <<<$'bad\nnone\nother')
		delay=$(awk -v n="$i" -v parts="$KILLS" -v ms="$ms" \
			'BEGIN {print n / parts * ms * 1.1 / 1000}')
		nsenter --net="/run/netns/$EDGE" timeout -s KILL "$delay" "$SYNFW" apply "$T/$new.yaml" \
			>/dev/null 2>&1 || [ $? != 137 ] || hits=$((hits + 1))
		now=$(in_force)
		equal "$(synfw status --json | jq -r .policy.name)" "$now" "kill $i: policy in force"
		apply $new
		equal "$(in_force)" $new "after kill $i: policy that programs meet"
		[ -z "$(pins | grep new)" ] || fail "after kill $i: pins are left"
		exits 0 synfw status --json
		json '.warnings == []'
	done
	# one that comes when apply is done proves nothing; how many do depends on the machine
	echo "$hits of $KILLS kills hit an apply"
	[ "$hits" -gt $((KILLS / 10)) ] || fail "only $hits of $KILLS kills hit an apply"
}

test_another_build_takes_over() {
	prepare
	apply bad
	exits 0 on_edge "$NEXT" status --json
	json '.warnings | any(contains("programs for processes were loaded by another build"))'
	exits 0 on_edge "$NEXT" apply "$T/bad.yaml"
	equal "$(in_force)" bad "policy that programs meet"
	exits 0 on_edge "$NEXT" status --json
	json '.warnings == [] and .processes.hooks[2].hook == "exec"'
	equal "$(pins | grep -c 'process/link-')" 3 "links"
	local before
	before=$(synfw show rules --json | jq '.process_rules[0].matches')
	equal "$(made bad)" killed "what becomes of a program"
	equal "$(synfw show rules --json | jq '.process_rules[0].matches')" $((before + 1)) \
		"matches: judged once"
}

test_another_abi_takes_over() {
	prepare
	apply bad
	exits 0 on_edge "$OTHER_ABI" apply "$T/bad.yaml"
	equal "$(in_force)" bad "policy that programs meet"
	equal "$(find "$T/bpf" -name link-exec | wc -l)" 1 "links"
	exits 0 on_edge "$OTHER_ABI" detach
	equal "$(in_force)" none "policy that programs meet"
}

# Runs a command in a control group and a mount namespace of its own.
in_group() { # COMMAND...
	local mounted group
	mounted=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/self/mounts)
	group=$mounted/$CASE_ID-group
	mkdir "$group"
	run on_edge sh -c 'echo 0 >"$0/cgroup.procs" && exec unshare -C -m sh -c "$@"' "$group" "$@"
	rmdir "$group"
}

test_isolation_wants_the_root_of_all_control_groups() {
	local no_groups='for mounted in $(awk '\''$3 == "cgroup2" {print $2}'\'' /proc/self/mounts); do
			umount -l "$mounted" || exit 99; done'
	prepare
	mkdir "$T/group"
	policy scores <<-E
		processes: [{name: points, exec: $T/bin/none, score: 1}]
		process-scoring: {act-at: 10, decay: 1/h, action: isolate, fallback: partial}
	E
	in_group "$no_groups"'; exec "$@"' none "$SYNFW" apply --dry-run "$T/other.yaml"
	equal "$STATUS" 7 "status of a dry run"
	says "other.yaml:5: rule \"alone\" isolates processes"
	in_group "$no_groups"'; mount -t cgroup2 none "$0" && exec "$@"' "$T/group" "$SYNFW" apply "$T/other.yaml"
	equal "$STATUS" 7 "status where a part of the hierarchy is mounted"
	says "other.yaml:5: rule \"alone\" isolates processes"
	says "begins below it"
	in_group "$no_groups"'; exec "$@"' none "$SYNFW" apply "$T/scores.yaml"
	equal "$STATUS" 7 "status where no hierarchy is mounted"
	says "scores.yaml: process-scoring isolates processes"
	[ ! -e "$SYNFW_BPFFS" ] || fail "pins are left"
	policy otherwise <<-E
		processes:
		  - {name: points, exec: $T/bin/none, score: 1}
		  - {name: alone, exec: $T/bin/none, action: isolate, fallback: kill}
		process-scoring: {act-at: 10, decay: 1/h, action: isolate, fallback: flag}
	E
	in_group "$no_groups"'; exec "$@"' none "$SYNFW" apply "$T/otherwise.yaml"
	equal "$STATUS" 0 "status of what falls back"
	grep -q 'rule "alone" isolates.*: its fallback, kill, is in force' "$T/err" ||
		fail "apply does not tell of the fallback of a rule"
	grep -q 'process-scoring isolates.*: its fallback, flag, is in force' "$T/err" ||
		fail "apply does not tell of the fallback of points"
	exits 0 synfw status --json
	json '.processes.isolation == null and (.processes.fallbacks | map(.instead)) == ["kill", "flag"]'
	exits 0 synfw detach
	in_group 'mount -t cgroup2 none "$0" && exec "$@"' "$T/group" "$SYNFW" apply "$T/other.yaml"
	equal "$STATUS" 0 "status where the whole is mounted as well"
}

test_a_hook_that_somebody_detached_is_missed_and_attached_again() {
	prepare
	apply other
	bpftool link detach pinned "$(find "$T/bpf" -name link-connect4)"
	exits 0 synfw status --json
	json '(.warnings | any(contains("the hook \"connect4\"") and contains("is not attached"))) and
		(.processes.hooks | any(.hook == "connect4") | not) and
		(.processes.hooks | any(.hook == "connect6"))'
	apply other
	exits 0 synfw status --json
	json '.warnings == [] and (.processes.hooks | any(.hook == "connect4"))'
	equal "$(pins | grep -c 'connect4')" 1 "pins of the hook"
	bpftool link detach pinned "$(find "$T/bpf" -name link-connect4)"
	apply bad
	equal "$(pins | grep connect4 || echo none)" none "pins of the hook that nothing needs"
}
