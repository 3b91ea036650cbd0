# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Rules on memory. Other work goes on on this machine, and these rules see all of it: they name only programs
# below the directory of the case.

prepare() {
	add_hosts
	add_programs
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
	equal "$(process_hooks)" "exec exit fork timer unmapped-area" "hooks of allocation"
	"$T/bin/net" -e '$x = "a" x (80 << 20)'
	[ "$(process_rule eats)" -gt 0 ] || fail "a request of 80 MiB was not found"
	memory "event: growth, over: 64MiB, within: 10s"
	equal "$(process_hooks)" "exec exit fork timer" "hooks of growth"
	memory "event: wx-mapping"
	equal "$(process_hooks)" "exec exit fork mmap mprotect pkey-mprotect shmat" "hooks of wx-mapping"
	policy none <<<""
	apply none
	equal "$(process_pins | wc -l)" 0 "pins of a policy without rules on memory"
}

test_growth_is_shown() {
	local eater grown=0 status
	prepare
	memory_live "event: growth, over: 1GiB, within: 10s"
	"$T/bin/net" -e 'for (1..300) { push @all, "a" x (1 << 20); select undef, undef, undef, 0.01 }' &
	eater=$!
	for _ in $(seq 20); do
		sleep 0.1
		grown=$(synfw show processes --json |
			jq --argjson pid $eater '[.processes[] | select(.pid == $pid).growth_bytes_per_s][0] // 0')
		if [ "$grown" -gt 10000000 ]; then break; fi
	done
	[ "$grown" -gt 10000000 ] && [ "$grown" -lt 400000000 ] || fail "it grows by $grown bytes a second"
	kill $eater
	status=0
	wait $eater || status=$?
	equal $status 143 "how it ends"
}

# The hooks at system calls are found in tracefs, wherever that is, or is not, mounted.
test_hooks_at_system_calls_need_no_mount() {
	prepare
	policy live <<-E
		memory: [{name: maps, exec: $T/bin/net, event: wx-mapping, action: flag}]
	E
	# shellcheck disable=SC2016
	run on_edge unshare -m sh -c 'umount -l /sys/kernel/tracing /sys/kernel/debug 2>/dev/null
		[ ! -e /sys/kernel/tracing/events ] && exec "$@"' none "$SYNFW" apply "$T/live.yaml"
	equal "$STATUS" 0 "status of apply"
	equal "$(process_hooks)" "exec exit fork mmap mprotect pkey-mprotect shmat" "hooks of wx-mapping"
}

memory_live() { # RULE: on what `net` does
	policy live <<-E
		processes: [{name: other, exec: $T/bin/other, action: flag}]
		memory: [{name: eats, exec: $T/bin/net, $1, action: kill}]
	E
	apply live
}

test_memory_from_before_a_rule_is_not_held_against_anyone() {
	local rule eat='push @all, "a" x (1 << 20) for 1..80' busy='$t = time; 1 while time - $t < 2'
	prepare
	apply_processes "- {name: other, exec: $T/bin/other, action: flag}"
	begin_work
	for rule in "event: growth, over: 64MiB, within: 60s" "event: allocation, over: 64MiB" \
		"event: growth, over: 64MiB, within: 60s"; do
		work "$eat"
		memory_live "$rule"
		work "$busy" || fail "$rule: killed for what it had before"
		apply_processes "- {name: other, exec: $T/bin/other, action: flag}"
	done
	memory_live "event: growth, over: 64MiB, within: 60s"
	work "$busy" || fail "killed for what it had before"
	# a reload with the same rule goes on measuring
	work "${eat/80/40}"
	memory_live "event: growth, over: 64MiB, within: 60s"
	! work "${eat/80/40}; $busy" || fail "not killed for what it grew over a reload"
	end_work || true
}

# The kernel may be told that a process runs another file, as root of a user namespace.
test_a_process_is_what_it_executed() {
	local match as
	prepare
	cp "$T/bin/good" "$T/bin/node"
	# here nobody can read them, wherever the build is
	cp "$TOOLS/libdisguise.so" "$SYNFW" "$T"
	SYNFW=$T/synfw
	chmod -R a+rX "$T"
	disguised() { # FILE: sets STATUS to that of `bad`, which looks like FILE and then asks for memory
		run setpriv --reuid 65534 --regid 65534 --clear-groups env DISGUISE_IN_USERNS=1 \
			DISGUISE_AS="$1" LD_PRELOAD="$T/libdisguise.so" "$T/bin/bad"
	}
	disguised "$T/bin/node"
	equal "$STATUS" 0 "status without a policy"
	for match in "exec: $T/bin/bad" "exec: \"$T/bin/**\", except: $T/bin/node" "exec: \"**/bad\""; do
		policy live <<-E
			memory: [{name: eats, $match, event: allocation, over: 64MiB, action: kill}]
		E
		apply live
		for as in "$T/bin/node" "$SYNFW"; do
			disguised "$as"
			equal "$STATUS" 137 "status of a program that looks like $as, $match"
		done
	done
	exits 0 synfw events --json
	json '.disguised and .action == "kill" and (.path | endswith("/bin/bad") | not)'
}
