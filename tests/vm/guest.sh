#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The first and only process of a guest of the VM ring. It runs what the file /tests.SCENARIO says and tells
# the host of it on the second serial port, where no message of the kernel comes in between:
# "begin VERSION", for each test "at NAME", "ok SECONDS NAME" or "FAIL SECONDS NAME" and then, with "| " in
# front, what it has printed, and "end NUMBER" of tests. When this process ends the kernel panics, and
# that ends the guest: whatever goes wrong here is no "end" for the host.
#
# From the kernel's command line: SCENARIO, TEST_SECONDS.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C
NUMBER=0

say() { printf '%s\n' "$*" >/dev/ttyS1; }

mount_all() {
	mount -t proc proc /proc &&
		mount -t sysfs sysfs /sys &&
		mount -t devtmpfs devtmpfs /dev &&
		ln -s /proc/self/fd /dev/fd &&
		mount -t bpf bpf /sys/fs/bpf &&
		mount -t cgroup2 cgroup2 /sys/fs/cgroup
}

insert_modules() { # in the order that the host has found out
	local module
	while read -r module; do
		busybox insmod "/modules/$module" || return
	done </modules/order
}

run_test() { # EXIT_STATUS NAME COMMAND...
	local expected=$1 name=$2 began=$SECONDS status=0 word=ok
	shift 2
	say "at $name"
	timeout --kill-after=5 "$TEST_SECONDS" "$@" >/tmp/log 2>&1 </dev/null || status=$?
	if [ "$status" != "$expected" ]; then
		word=FAIL
		echo "exited with $status after $((SECONDS - began)) s" >>/tmp/log
	fi
	NUMBER=$((NUMBER + 1))
	say "$word $((SECONDS - began)) $name"
	tail -n 60 /tmp/log | sed 's/^/| /' >/dev/ttyS1
}

# What the kernel says about itself, whatever it was that made it say so.
kernel_is_well() {
	! busybox dmesg | grep -E -A 30 'BUG:|WARNING:|Oops|general protection|possible deadlock'
}

# The cases of the netns ring are tests here, each with what it has printed. What the runner checks
# besides is told when it fails.
run_netns() { # SOURCE BUILD CASE...
	local ring=$1/netns-tests/run.sh status=0 tests
	shift
	say "at the netns ring"
	"$ring" -v "$@" >/tmp/log 2>&1 </dev/null || status=$?
	sed -nE -e 's/^(ok|FAIL) +(.*[^ ]) +([0-9]+) s$/\1 \3 netns: \2/' -e '/^ok [0-9]+ netns: runner:/d' \
		-e 's/^ +\|/|/' -e '/^(ok|FAIL|\|) /p' /tmp/log >/tmp/told
	cat /tmp/told >/dev/ttyS1
	tests=$(grep -c '^ok ' /tmp/told)
	NUMBER=$((NUMBER + $(grep -cE '^(ok|FAIL) ' /tmp/told)))
	if [ $status != 0 ] || [ "$tests" != $(($# - 1)) ]; then
		cp /tmp/log /tmp/netns
		run_test 0 "netns: $tests of $(($# - 1)) cases have passed" \
			bash -c 'tail -n 3 /tmp/netns; exit 1'
	fi
}

take_memory() { local much; printf -v much '%*s' 4194304 ''; }

matches() { "$1" show rules --json | jq '.process_rules[] | select(.name == "large").matches'; } # SYNFW

# Programs that refuse are not called while ftrace is switched off. What is in force meanwhile is told, and
# what would be denied is killed; a policy that denies is refused. Switched on again they refuse again.
judge_switched_off() { # SYNFW
	local killed=0 refused=0 traced=0 denied=0
	echo 0 >/proc/sys/kernel/ftrace_enabled
	"$1" status --json >/tmp/switched_off.json
	/denied || killed=$?
	"$1" apply /tmp/first.yaml 2>/tmp/refusal || refused=$?
	"$1" trace --exec /denied --json >/tmp/traced.json || traced=$?
	echo 1 >/proc/sys/kernel/ftrace_enabled
	/denied || denied=$?
	[ "$killed $denied" = "137 126" ] ||
		{ echo "an exec ends with $killed while it cannot be denied, $denied after"; return 1; }
	grep -q 'rule "none".*ftrace_enabled is 0' /tmp/refusal && [ $refused = 7 ] ||
		{ cat /tmp/refusal; echo "what cannot deny is applied: $refused"; return 1; }
	jq -e '.verdict == "kill" and .rule == "none"' /tmp/traced.json && [ $traced = 1 ] ||
		{ cat /tmp/traced.json; echo "a trace says otherwise: $traced"; return 1; }
	jq -e '.processes.refuses_by == null and .processes.isolation == "partial" and
		.processes.fallbacks == [{rule: "none", line: 5, action: "deny", instead: "kill"}] and
		(.warnings | any(test("ftrace_enabled is 0.*: accept, listen, socket-connect, socket-bind, socket-sendmsg, deny;")))' /tmp/switched_off.json ||
		{ cat /tmp/switched_off.json; return 1; }
	[ "$(</proc/sys/kernel/ftrace_enabled)" = 1 ]
}

# A rule isolates every shell that takes as much but the first process, which this one is. (What kills is no
# question: the kernel lets no program kill it.) That the rule was asked about it is seen by its count. And by the
# same apply a program is denied, which judge_switched_off() goes on with.
judge_first() { # SYNFW
	local status=0 before after
	export SYNFW_RUN_DIR=/tmp/first.run SYNFW_STATE_DIR=/tmp/first.state
	printf '%s\n' 'version: 1' 'name: first' 'interfaces: [{name: lo}]' 'defaults: {incoming: allow}' \
		'processes: [{name: none, exec: /denied, action: deny}]' 'memory:' \
		'  - {name: large, event: allocation, over: 2MiB, exec: ["**/bash"], action: isolate}' \
		>/tmp/first.yaml
	"$1" apply /tmp/first.yaml || return
	"$1" status --json | jq -e --arg by "$SYNFW_REFUSES_BY" \
		'.processes.refuses_by == $by and .processes.isolation == "full"' || return
	/neighbour || return
	/denied || status=$?
	[ $status = 126 ] || { echo "an exec is not denied: $status"; return 1; }
	judge_switched_off "$1" || return
	status=0
	(take_memory && "$1" why $BASHPID >/tmp/why) || status=$?
	cat /tmp/why
	grep -q 'isolated: it has no network' /tmp/why && [ $status = 1 ] || { echo "another shell is not isolated: $status"; return 1; }
	before=$(matches "$1") || return
	take_memory
	after=$(matches "$1") || return
	echo "matches: $before, $after"
	[ "$after" -gt "$before" ] || { echo "no rule was asked about it"; return 1; }
	"$1" why 1 --json >/tmp/first.json || { echo "it is isolated"; return 1; }
	jq -e '.isolated == false and .flagged == false' /tmp/first.json || return
	"$1" detach && /denied
}

run_first() { # SYNFW
	local began=$SECONDS word=ok
	say "at the first process"
	judge_first "$1" >/tmp/log 2>&1 </dev/null || word=FAIL
	NUMBER=$((NUMBER + 1))
	say "$word $((SECONDS - began)) the first process is never acted on"
	tail -n 60 /tmp/log | sed 's/^/| /' >/dev/ttyS1
}

on() { # SERIES COMMAND...: on that kernel only
	[[ $(</proc/sys/kernel/osrelease) == "$1".* ]] || return 0
	shift
	"$@"
}

run_tests() {
	local line
	busybox ip link set lo up
	while read -r line; do
		eval "$line"
	done <"/tests.$SCENARIO"
	run_test 0 "the kernel has nothing to complain of" bash -c "$(declare -f kernel_is_well)
		kernel_is_well"
}

scenario_ring() { run_tests; }

scenario_unlisted_lsm() { run_tests; }

# The other scenarios are there to be told from a guest that is well.
scenario_panics() {
	run_test 0 "a test that passes" true
	run_test 0 "a test that fails" false
	sleep 2 # what is under way on the serial port would be lost
	echo c >/proc/sysrq-trigger
}

scenario_hangs() {
	run_test 0 "a test that passes" true
	sleep 3600
}

mount_all || exit
say "begin $(</proc/sys/kernel/osrelease)"
insert_modules || exit
"scenario_$SCENARIO" || exit
say "end $NUMBER"
sleep 0.3 # what is under way on the serial port would be lost
busybox reboot -f
