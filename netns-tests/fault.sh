# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Every bpf() call of an apply, and every mapping of a map, fails in turn. Either apply says so, and all
# that the kernel holds is byte for byte what it was; or it does without that call, and the new policy
# is in force. And every call of a detach fails, or is the last one before it is killed.

EPERM=1 ENOMEM=12 EINVAL=22 ENOSPC=28 SIGKILL=9
# commands of bpf(2), and what tools/fail_bpf.c calls a mapping
LOOKUP=1 UPDATE_BATCH=26 MAPPING=1000

prepare() {
	add_hosts
	policy old <<-E
		sets:
		  listed: [198.51.100.0/24, 203.0.113.7, "2001:db8:bad::/48", "2001:db8::77"]
		  live: {dynamic: true, size: 10}
		rules:
		  - {name: listed, from: [listed, live], action: drop}
		  - {name: one, to: 1001/udp, action: allow}
	E
	policy new <<-E
		sets:
		  other: [203.0.113.0/24, 198.51.100.9, "2001:db8:bae::/48", "2001:db8::78"]
		  more: {dynamic: true, size: 10}
		  live: {dynamic: true, size: 20}
		rules:
		  - {name: other, from: [other, live, more], action: drop}
		  - {name: filler, to: 9-99/tcp, to-address: other, action: drop}
		  - {name: two, to: 1002/udp, action: allow}
		tests: [{from: 192.0.2.77, to: 1002/udp, expect: allow, rule: two}]
	E
}

# 0, and the number of calls in $T/count; or the status of an apply whose call NUMBER failed.
faulty_apply() { # SYNFW NAME NUMBER ERRNO
	run on_edge env LD_PRELOAD="$TOOLS/libfail_bpf.so" FAIL_BPF_AT="$3" FAIL_BPF_ERRNO="$4" \
		FAIL_BPF_COUNT="$T/count" "$1" apply "$T/$2.yaml"
}

number_of_calls() { # SYNFW NAME
	faulty_apply "$1" "$2" 0 0
	equal "$STATUS" 0 "status of an apply without a fault"
	[ "$(cat "$T/count")" -gt 20 ] || fail "only $(cat "$T/count") calls were seen"
	cat "$T/count"
}

new_is_in_force() { # SYNFW WHERE
	local arrived
	arrived=$("$TOOLS/frames" --from "$CLIENT/eth0" --to "$EDGE/eth0" --count 8 \
		"proto=udp,src=192.0.2.50,dst=$EDGE4,dport=1001" \
		"proto=udp,src=192.0.2.50,dst=$EDGE4,dport=1002" \
		"proto=udp,src=203.0.113.50,dst=$EDGE4,dport=1002" | cut -d' ' -f2 | tr '\n' ' ')
	equal "$arrived" "0 8 0 " "$2: frames that pass"
	exits 0 on_edge "$1" status --json
	json '.policy.name == "new" and .interfaces[0].attached'
	exits 0 on_edge "$1" show rules --json
	json '[.rules[].packets] == [8, 0, 8]'
}

refused_with_a_reason() { # WHERE ERRNO
	case $2-$STATUS in
	"$EPERM-6" | "$ENOMEM-7" | "$ENOSPC-7") ;;
	# libbpf does without BTF that it may not load, and the verifier without it refuses
	"$EPERM-7") grep -q "the kernel refused .* program" "$T/err" || fail "$1: not told as not permitted" ;;
	*) cat "$T/err" >&2; fail "$1: exited with $STATUS" ;;
	esac
	grep -q '^synfw: ' "$T/err" || fail "$1: no message"
}

# Each call of a first and of a next apply is made to fail by one of the three errors, and of what
# takes over from another build one in so many (two and three times as many), as the ways to go on are
# mostly the same. 1: every call
# by each, and of those one in two and in three.
STRIDE=${SYNFW_FAULT_STRIDE:-3}

# BEGIN puts the kernel into the state before; it is repeated after each apply that got through.
every_call_fails() { # SYNFW BEGIN ERRNO [FIRST STRIDE]
	local calls number where refused=0 passed=0
	$2
	calls=$(number_of_calls "$1" new)
	$2
	state >"$T/before"
	for number in $(seq "${4:-1}" "${5:-1}" "$calls"); do
		where="errno $3 at call $number of $calls"
		faulty_apply "$1" new "$number" "$3"
		if [ "$STATUS" != 0 ]; then
			refused_with_a_reason "$where" "$3"
			state >"$T/after"
			cmp -s "$T/before" "$T/after" || {
				diff "$T/before" "$T/after" | head -n 40 >&2
				fail "$where: the state changed"
			}
			refused=$((refused + 1))
			continue
		fi
		new_is_in_force "$1" "$where"
		passed=$((passed + 1))
		$2
		state >"$T/before"
	done
	echo "$calls calls: $refused refused, $passed done without"
	[ $refused -gt 10 ] || fail "only $refused faults were refused"
}

with_nothing() {
	exits 0 synfw detach
	equal "$(state)" nothing "what is pinned"
}

with_old_policy() {
	exits 0 synfw detach
	apply old
}

test_first_apply_without_permission() { prepare; every_call_fails "$SYNFW" with_nothing $EPERM 1 "$STRIDE"; }
test_first_apply_without_memory() { prepare; every_call_fails "$SYNFW" with_nothing $ENOMEM 2 "$STRIDE"; }
test_first_apply_without_space() { prepare; every_call_fails "$SYNFW" with_nothing $ENOSPC 3 "$STRIDE"; }

test_next_apply_without_permission() { prepare; every_call_fails "$SYNFW" with_old_policy $EPERM 1 "$STRIDE"; }
test_next_apply_without_memory() { prepare; every_call_fails "$SYNFW" with_old_policy $ENOMEM 2 "$STRIDE"; }
test_next_apply_without_space() { prepare; every_call_fails "$SYNFW" with_old_policy $ENOSPC 3 "$STRIDE"; }

test_upgrade_without_memory() {
	prepare
	every_call_fails "$BUILD/netns-tests/next/synfw-next" with_old_policy $ENOMEM 2 $((2 * STRIDE))
}

test_upgrade_of_the_abi_without_memory() {
	prepare
	every_call_fails "$BUILD/netns-tests/other-abi/synfw-other-abi" with_old_policy $ENOMEM 3 $((3 * STRIDE))
}

# ---- what has another way, and what reads back ---------------------------------------------------

# Tables of several pages, a dynamic set whose members move into a larger one, and rules on processes.
prepare_large() {
	prepare
	add_programs
	seq 50000 | awk '{ printf "10.%d.%d.%d\n", $1 / 16384, $1 / 64 % 256, $1 % 64 * 4 }' >"$T/list.txt"
	policy large <<-E
		sets:
		  listed: {file: $T/list.txt}
		  live: {dynamic: true, size: 20}
		rules:
		  - {name: listed, from: [listed, live], action: drop}
		  - {name: rest, from: any, action: allow}
		processes:
		  - {name: bad, exec: $T/bin/bad, action: kill}
	E
	apply old
	exits 0 synfw set add live 198.51.100.77
}

# No batch at all, as in kernels that have none for a type of map: the single calls do it.
test_without_batches() {
	prepare_large
	run on_edge env LD_PRELOAD="$TOOLS/libfail_bpf.so" FAIL_BPF_COMMAND=$UPDATE_BATCH FAIL_BPF_AT=1 \
		FAIL_BPF_LAST=100000 FAIL_BPF_ERRNO=$EINVAL FAIL_BPF_COUNT="$T/count" "$SYNFW" apply "$T/large.yaml"
	equal "$STATUS" 0 "status of an apply without batches"
	[ "$(cat "$T/count")" -ge 2 ] || fail "only $(cat "$T/count") batches were tried"
	drops 2 "proto=udp,src=10.0.0.4,dst=$EDGE4,dport=5"
	drops 2 "proto=udp,src=10.3.3.60,dst=$EDGE4,dport=5"
	drops 2 "proto=udp,src=198.51.100.77,dst=$EDGE4,dport=5"
	passes 2 "proto=udp,src=10.0.0.5,dst=$EDGE4,dport=5"
	is_killed bad
	runs good
}

flipped_apply() { # COMMAND NUMBER
	run on_edge env LD_PRELOAD="$TOOLS/libfail_bpf.so" FAIL_BPF_COMMAND="$1" FAIL_BPF_FLIP=1 FAIL_BPF_AT="$2" \
		FAIL_BPF_COUNT="$T/count" "$SYNFW" apply "$T/large.yaml"
}

# Each mapping of a page, and one in four values of a map, is another than what the kernel holds: of
# the new tables that is seen, and the old policy stays.
test_what_reads_back_as_something_else_is_refused() {
	local command number last step differs
	prepare_large
	for command in $MAPPING $LOOKUP; do
		flipped_apply $command 0
		last=$(cat "$T/count")
		apply old
		[ $command = $MAPPING ] && step=1 || step=4
		differs=0
		for ((number = 1; number <= last; number += step)); do
			flipped_apply $command $number
			if [ "$STATUS" = 7 ] && grep -q "read back from the kernel differ" "$T/err"; then
				equal "$(live_policy)" old "policy in force"
				differs=$((differs + 1))
			elif [ "$(live_policy)" != old ]; then
				apply old
			fi
			[ "$STATUS" -le 8 ] || fail "status $STATUS when number $number of command $command differs"
		done
		echo "$differs, by one in $step of $last of command $command, were seen to read back as something else"
		[ $differs -ge $((6 / step)) ] || fail "only $differs times a table was seen to differ"
	done
	passes 2 "proto=udp,src=10.0.0.4,dst=$EDGE4,dport=1001"
}

faulty_delta() { # NUMBER WHAT=VALUE: an apply of what differs in one line from the policy in force
	run on_edge env LD_PRELOAD="$TOOLS/libfail_bpf.so" FAIL_BPF_COMMAND=$MAPPING "$2" FAIL_BPF_AT="$1" \
		FAIL_BPF_COUNT="$T/count" "$SYNFW" apply "$T/changed.yaml" --json
}

# The tables in force cannot be mapped, or are not what was written: all is made anew, or, where
# another mapping fails, refused.
test_a_delta_without_the_tables_in_force() {
	local number last what anew digest
	prepare_large
	sed 's:list.txt:changed.txt:' "$T/large.yaml" >"$T/changed.yaml"
	sed 's/^10\.0\.0\.4$/10.0.0.5/' "$T/list.txt" >"$T/changed.txt"
	apply large
	faulty_delta 0 FAIL_BPF_ERRNO=0
	equal "$STATUS" 0 "status of a delta without a fault"
	json '.blocks_copied == 131071 and .blocks_changed == 1'
	digest=$(jq -r .digest "$T/out")
	last=$(cat "$T/count")
	for what in FAIL_BPF_ERRNO=$ENOMEM FAIL_BPF_FLIP=1; do
		anew=0
		for ((number = 1; number <= last; number++)); do
			apply large
			faulty_delta $number $what
			[ "$STATUS" -le 8 ] || fail "status $STATUS, $what of mapping $number"
			case $STATUS in
			0)
				equal "$(jq -r .digest "$T/out")" "$digest" "digest, $what of mapping $number"
				[ "$(jq .blocks_copied "$T/out")" = 131071 ] || anew=$((anew + 1))
				drops 1 "proto=udp,src=10.0.0.5,dst=$EDGE4,dport=5"
				drops 1 "proto=udp,src=10.3.3.60,dst=$EDGE4,dport=5"
				passes 1 "proto=udp,src=10.0.0.4,dst=$EDGE4,dport=5" ;;
			*)
				drops 1 "proto=udp,src=10.0.0.4,dst=$EDGE4,dport=5"
				passes 1 "proto=udp,src=10.0.0.5,dst=$EDGE4,dport=5" ;;
			esac
		done
		echo "$what: of $last mappings $anew led to new tables"
		[ $anew -ge 2 ] || fail "$what: only $anew applies made all anew"
	done
}

# ---- detach --------------------------------------------------------------------------------------

faulty_detach() { # NUMBER VARIABLE=VALUE
	run on_edge env LD_PRELOAD="$TOOLS/libfail_bpf.so" FAIL_BPF_AT="$1" "$2" \
		FAIL_BPF_COUNT="$T/count" "$SYNFW" detach
}

program_on_eth0() { on_edge ip -json -details link show eth0 | jq '.[0].xdp.prog.id'; }

# A link that could not be opened is detached when the kernel frees it, a moment after its pin is gone.
nothing_is_in_force() { # WHERE
	equal "$(state)" nothing "$1: what is pinned"
	for _ in $(seq 100); do
		[ "$(program_on_eth0)" = null ] && break
		sleep 0.02
	done
	equal "$(program_on_eth0)" null "$1: program on eth0"
	passes 8 "proto=udp,src=203.0.113.7,dst=$EDGE4,dport=1001"
}

# Whatever becomes of it, the next detach cleans up, and an apply works. Each call fails for want of
# memory, one in two for want of permission, and one in three is the last before it is killed.
every_call_of_detach() { # FIRST STRIDE VARIABLE=VALUE STATUS...: the statuses that a detach may end with
	local first=$1 stride=$2 what=$3 calls number where ends=()
	shift 3
	with_old_policy
	faulty_detach 0 FAIL_BPF_ERRNO=0
	equal "$STATUS" 0 "status of a detach without a fault"
	calls=$(cat "$T/count")
	[ "$calls" -gt 20 ] || fail "only $calls calls were seen"
	for number in $(seq "$first" "$stride" "$calls"); do
		where="$what at call $number of $calls"
		with_old_policy
		drops 8 "proto=udp,src=203.0.113.7,dst=$EDGE4,dport=1001"
		faulty_detach "$number" "$what"
		[[ " $* " = *" $STATUS "* ]] || { cat "$T/err" >&2; fail "$where: exited with $STATUS"; }
		ends[STATUS]=$((${ends[STATUS]:-0} + 1))
		[ "$STATUS" != 0 ] || nothing_is_in_force "$where"
		exits 0 synfw detach
		nothing_is_in_force "$where, then another detach"
	done
	for number in "$@"; do
		echo "$calls calls: ${ends[number]:-0} ended with $number"
		[ "${ends[number]:-0}" -gt 0 ] || fail "no detach ended with $number"
	done
}

test_detach_without_memory() { prepare; every_call_of_detach 1 1 FAIL_BPF_ERRNO=$ENOMEM 0 7; }
test_detach_without_permission() { prepare; every_call_of_detach 1 $((STRIDE < 2 ? STRIDE : 2)) FAIL_BPF_ERRNO=$EPERM 0 6; }
test_detach_that_is_killed() { prepare; every_call_of_detach 1 "$STRIDE" FAIL_BPF_SIGNAL=$SIGKILL 137; }
