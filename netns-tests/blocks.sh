# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Blocked sources: by an operator and by rules, until somebody or the time ends it.

OTHER_ABI=$BUILD/netns-tests/other-abi/synfw-other-abi
NEXT=$BUILD/netns-tests/next/synfw-next
A=198.51.100.7 B=198.51.100.8

udp() { # SOURCE: a packet that the policy allows
	case $1 in
	*:*) echo "proto=udp,src=$1,dst=$EDGE6,dport=5" ;;
	*) echo "proto=udp,src=$1,dst=$EDGE4,dport=5" ;;
	esac
}

prepare() { # [MODE]
	add_hosts
	policy live <<-E
		mode: ${1:-block}
		sets:
		  admins: [10.20.0.0/16, "2001:db8:20::/48"]
		  listed: [203.0.113.0/24]
		  banned: {dynamic: true}
		protect:
		  - {from: admins, to: 22/tcp}
		rules:
		  - {name: listed, from: [listed, banned], action: drop}
		  - {name: named, from: 192.0.2.77, to: 7/tcp, action: allow}
		  - {name: telnet, to: 23/tcp, action: drop, block: 5s}
		  - {name: rest, from: any, action: allow}
	E
	apply live
}

blocked() { # the sources that are, on one line, or "none"
	synfw show blocks --json | jq -r '[.blocks[].source] | if . == [] then "none" else join(" ") end'
}

test_block_drops_the_next_packet_and_unblock_passes_it() {
	prepare
	passes 7 "$(udp $A)"
	exits 0 synfw block $A
	equal "$(cat "$T/out")" "blocked $A until it is unblocked" "what block says"
	drops 7 "$(udp $A)"
	passes 7 "$(udp $B)"
	passes 7 "$(udp 198.51.100.6)"
	equal "$(reason blocked)" 7 "packets that were dropped as blocked"
	equal "$(blocked)" $A "blocked sources"
	exits 0 synfw unblock $A
	equal "$(cat "$T/out")" "unblocked $A" "what unblock says"
	passes 7 "$(udp $A)"
	equal "$(reason blocked)" 7 "packets that were dropped as blocked"
	equal "$(blocked)" none "blocked sources"
}

# Nothing of synfw runs between the bursts.
test_blocks_end_on_time_by_themselves() {
	prepare
	exits 0 synfw block $A --for 5s --json
	json '.blocked[0] | .expires_in_s == 5 and .was_blocked == false and .until != null'
	exits 0 synfw block $B --for 1h
	sleep 2.5
	drops 5 "$(udp $A)"
	sleep 3
	passes 5 "$(udp $A)"
	drops 5 "$(udp $B)"
	equal "$(blocked)" $B "blocked sources"
	exits 0 synfw block $B --for 5d --json
	json '.blocked[0] | .expires_in_s == 432000 and .was_blocked'
	exits 0 synfw show blocks --json
	json '.count == 1 and .size == 65536 and (.blocks[0] | .cause == "operator" and .live and
		.expires_in_s > 431990 and .mode == "block" and .rule == null and .offences == 0)'
}

test_a_block_of_ipv6_is_of_the_prefix() {
	prepare
	exits 0 synfw block 2001:db8:1:2::5
	grep -qF "blocked 2001:db8:1:2::/64 until it is unblocked; 2001:db8:1:2::5 is in it" "$T/out" ||
		fail "block does not say which prefix"
	drops 5 "$(udp 2001:db8:1:2::5)"
	drops 5 "$(udp 2001:db8:1:2:ffff::9)"
	passes 5 "$(udp 2001:db8:1:3::5)"
	exits 1 synfw why 2001:db8:1:2::1234
	exits 2 synfw unblock 2001:db8:1::/48
	says "takes each /64 of IPv6 as one"
	exits 0 synfw unblock 2001:db8:1:2::/64
	passes 5 "$(udp 2001:db8:1:2::5)"
	sed -i '/^rules:/i scoring: {ipv6-prefix: 48, drop-at: 100, decay: 1/h, block-for: 1h}' "$T/live.yaml"
	apply live
	exits 0 synfw block 2001:db8:1:2::5
	drops 5 "$(udp 2001:db8:1:ffff::9)"
	equal "$(blocked)" 2001:db8:1::/48 "blocked sources"
}

test_what_is_protected_is_refused_and_never_dropped() {
	prepare
	exits 4 synfw block 10.20.3.4 $A
	says "10.20.3.4 is not blocked: the policy protects it (from admins; to 22/tcp, at $T/live.yaml:"
	equal "$(blocked)" $A "blocked sources: what is refused keeps nothing else from it"
	drops 5 "$(udp $A)"
	passes 5 "$(udp 10.20.3.4)"
	exits 4 synfw block 2001:db8:20::1 --json
	json '.blocked == [] and (.refused | length == 1 and .[0].address == "2001:db8:20::1")'
	exits 0 synfw why 10.20.3.4
	grep -qF 'protected:  by "from admins; to 22/tcp"' "$T/out" || fail "why does not name the entry"
	# protected by a later policy: the block is still there and does not hold
	sed -i "s/admins: \\[/&$A, /" "$T/live.yaml"
	apply live
	passes 5 "$(udp $A)"
	exits 0 synfw why $A
	grep -qF "does not hold" "$T/out" || fail "why does not say that the block does not hold"
}

# A member of a dynamic set is protected as long as it is one.
test_members_that_are_protected_are_refused() {
	prepare
	sed -i 's/^rules:/  - {from: guests}\nrules:/; s/^sets:/&\n  guests: {dynamic: true}/' "$T/live.yaml"
	apply live
	exits 0 synfw set add guests $A
	exits 4 synfw block $A $B
	says "$A is not blocked: the policy protects it"
	equal "$(blocked)" $B "blocked sources"
	exits 0 synfw why $A --json
	json '.protected and (.blocked | not)'
	exits 0 synfw set del guests $A
	exits 0 synfw block $A
	drops 5 "$(udp $A)"
	# becomes one while it is blocked
	exits 0 synfw set add guests $A
	passes 5 "$(udp $A)"
	exits 0 synfw why $A
	grep -qF "does not hold" "$T/out" || fail "why does not say that the block does not hold"
}

# Who is cut off cannot type `unblock`.
test_the_ssh_connection_in_use_is_refused() {
	prepare
	export SSH_CONNECTION="$A 50000 $EDGE4 22"
	exits 4 synfw block $A $B
	says "$A is not blocked: the SSH connection in use comes from there"
	says "--force"
	equal "$(blocked)" $B "blocked sources"
	exits 0 synfw block $A --force
	drops 5 "$(udp $A)"
	exits 4 synfw block $EDGE4 --force
	# one that ends somewhere else
	SSH_CONNECTION="192.0.2.78 50000 192.0.2.200 22"
	exits 0 synfw block 192.0.2.78
}

test_gateways_and_own_addresses_are_refused() {
	add_hosts
	ip -n "$EDGE" route add default via 192.0.2.254
	prepare_words
	exits 4 synfw block 192.0.2.254 $EDGE4 $A
	says "192.0.2.254 is not blocked: it is exempt, as gateway"
	says "$EDGE4 is not blocked: it is exempt, as address of this host"
	equal "$(blocked)" $A "blocked sources"
	exits 0 synfw why 192.0.2.254
	grep -qF "exempt:     gateway: never scored or blocked" "$T/out" || { cat "$T/out" >&2; fail "why does not say that it is exempt"; }
	exits 0 synfw why $EDGE4 --json
	json '.exempt == "address of this host" and .blocked == false'
	# exempt by a route that comes later: the block is still there and does not hold
	ip -n "$EDGE" route replace default via $A onlink dev eth0
	apply words
	passes 5 "$(udp $A)"
	exits 0 synfw why $A
	grep -qF "does not hold" "$T/out" || fail "why does not say that the block does not hold"
}

test_why_tells_what_and_how_to_undo() {
	prepare
	exits 0 synfw why $A
	equal "$(cat "$T/out")" "$A is not blocked" "what why says of nobody"
	exits 0 synfw why $A --json
	json '.blocked == false and .block == null and .score == null and .undo == [] and .rules == []'
	exits 0 synfw block 203.0.113.5 --for 1h
	exits 0 synfw set add banned 203.0.113.5 --for 5m
	exits 1 synfw why 203.0.113.5 --json
	json '.blocked and .block.cause == "operator" and .block.expires_in_s > 3590 and
		.undo == ["synfw unblock 203.0.113.5", "synfw set del banned 203.0.113.5"] and
		.sets[0].set == "banned" and .sets[0].expires_in_s <= 300'
	exits 1 synfw why 203.0.113.5
	grep -q 'is blocked until .* (in 3[56][0-9]* s)' "$T/out" || fail "why does not say until when"
	exits 0 synfw why 192.0.2.77 --json
	json '.rules == [{rule: "named", line: 13, action: "allow"}]'
	exits 0 synfw unblock 203.0.113.5
	exits 0 synfw why 203.0.113.5 --json
	json '.blocked == false and .block == null'
}

test_a_rule_blocks() {
	prepare
	drops 3 "proto=tcp,src=$A,dst=$EDGE4,dport=23"
	drops 5 "$(udp $A)"
	passes 5 "$(udp $B)"
	equal "$(rule telnet)" 1 "packets of the rule"
	equal "$(reason blocked)" 7 "packets that were dropped as blocked"
	exits 1 synfw why $A
	grep -qF "by rule \"telnet\" at $T/live.yaml:14" "$T/out" || fail "why does not name the rule"
	exits 0 synfw show blocks --json
	json '.blocks[0] | .cause == "rule" and .rule == "telnet" and .line == 14'
	exits 1 synfw trace --from $A --to 5/udp --json
	json '.reason == "blocked"'
	sleep 5.1
	passes 5 "$(udp $A)"
	equal "$(blocked)" none "blocked sources"
	exits 0 synfw show blocks --all --json
	json '.count == 0 and (.blocks | length == 1) and .blocks[0].live == false'
}

test_a_policy_that_monitors_drops_nothing() {
	prepare monitor
	exits 0 synfw block $A
	says "only monitors"
	passes 5 "$(udp $A)"
	passes 1 "proto=tcp,src=$B,dst=$EDGE4,dport=23"
	passes 5 "$(udp $B)"
	equal "$(reason blocked)" 10 "packets that would be dropped as blocked"
	exits 1 synfw why $B
	grep -qF "would be blocked" "$T/out" || fail "why does not say that it only would be"
	sed -i 's/mode: monitor/mode: block/' "$T/live.yaml"
	apply live
	drops 5 "$(udp $A)"
	passes 5 "$(udp $B)"
	exits 0 synfw why $B
	grep -qF "made while the policy only monitored" "$T/out" || fail "why does not say why not"
}

test_blocks_survive_reloads_and_other_programs() {
	local build
	prepare
	sed 's/block: 5s/block: 1h/' "$T/live.yaml" >"$T/other.yaml"
	apply other
	drops 1 "proto=tcp,src=$B,dst=$EDGE4,dport=23"
	exits 0 synfw block $A --for 1h
	for build in "$NEXT" "$OTHER_ABI" "$SYNFW"; do
		exits 0 on_edge "$build" apply "$T/live.yaml" --json
		drops 4 "$(udp $A)"
		drops 4 "$(udp $B)"
		passes 4 "$(udp 198.51.100.6)"
		exits 1 on_edge "$build" why $B --json
		json '.block.cause == "rule" and .block.rule == "telnet"'
	done
	exits 0 synfw detach
	apply live
	passes 4 "$(udp $A)"
	equal "$(blocked)" none "blocked sources"
}

# The counter of a rule that is gone goes to another rule, two applies later.
test_a_rule_that_is_gone_is_not_confused_with_a_new_one() {
	prepare
	sed -i 's/block: 5s/block: 1h/' "$T/live.yaml"
	apply live
	drops 1 "proto=tcp,src=$A,dst=$EDGE4,dport=23"
	sed '/name: telnet/d' "$T/live.yaml" >"$T/less.yaml"
	apply less
	sed 's/name: telnet/name: other/' "$T/live.yaml" >"$T/more.yaml"
	apply more
	drops 3 "$(udp $A)"
	exits 1 synfw why $A --json
	json '.block.cause == "rule" and .block.rule == null'
}

# It blocked in a policy before, and is a plain rule by the time it goes.
test_a_rule_that_once_blocked_is_forgotten_as_well() {
	prepare
	sed -i 's/block: 5s/block: 1h/' "$T/live.yaml"
	apply live
	drops 1 "proto=tcp,src=$A,dst=$EDGE4,dport=23"
	sed '/name: telnet/s/, block: 1h//' "$T/live.yaml" >"$T/plain.yaml"
	apply plain
	exits 1 synfw why $A --json
	json '.block.rule == "telnet"'
	sed '/name: telnet/d' "$T/live.yaml" >"$T/less.yaml"
	apply less
	sed 's/name: telnet/name: other/' "$T/live.yaml" >"$T/more.yaml"
	apply more
	exits 1 synfw why $A --json
	json '.block.cause == "rule" and .block.rule == null'
}

# An apply that is killed once its policy is in force has not told what is remembered: the next does.
test_a_rule_that_is_gone_is_forgotten_after_a_kill() {
	local back calls
	prepare
	sed -i 's/block: 5s/block: 1h/' "$T/live.yaml"
	sed '/name: telnet/d' "$T/live.yaml" >"$T/less.yaml"
	sed 's/name: telnet/name: other/' "$T/live.yaml" >"$T/more.yaml"
	apply live
	run on_edge env LD_PRELOAD="$TOOLS/libfail_bpf.so" FAIL_BPF_AT=0 FAIL_BPF_COUNT="$T/count" \
		"$SYNFW" apply "$T/less.yaml"
	equal "$STATUS" 0 "status of an apply without a fault"
	calls=$(cat "$T/count")
	for back in $(seq 1 4 45); do
		exits 0 synfw detach
		apply live
		drops 1 "proto=tcp,src=$A,dst=$EDGE4,dport=23"
		run on_edge env LD_PRELOAD="$TOOLS/libfail_bpf.so" FAIL_BPF_AT=$((calls - back)) \
			FAIL_BPF_SIGNAL=9 FAIL_BPF_COUNT="$T/count" "$SYNFW" apply "$T/less.yaml"
		equal "$STATUS" 137 "status of an apply that is killed at call $((calls - back)) of $calls"
		equal "$(live_policy)" live "name of what is in force"
		exits 0 synfw apply "$T/more.yaml"
		exits 1 synfw why $A --json
		json '.block.cause == "rule" and .block.rule == null'
	done
}

test_many_at_once() {
	prepare
	printf '%s # a comment\n\n%s 198.51.100.9\n' $A $B | run synfw block - --for 1h
	equal "$STATUS $(blocked)" "0 $A $B 198.51.100.9" "status, and blocked sources"
	exits 1 synfw unblock $A 198.51.100.1 --json
	json '[.sources[].unblocked] == [true, false]'
	equal "$(blocked)" "$B 198.51.100.9" "blocked sources"
	exits 0 synfw unblock --all --json
	json '.all and .unblocked == 2'
	equal "$(blocked)" none "blocked sources"
	passes 5 "$(udp $B)"
	exits 0 synfw unblock --all
	exits 2 synfw block $A 198.51.100.300 $B
	equal "$(blocked)" none "blocked sources after a mistake"
}

test_full_map_refuses() {
	local i
	prepare
	for i in $(seq 0 255); do seq -f "10.99.$i.%g" 0 255; done >"$T/all"
	run synfw block - --for 12s <"$T/all"
	equal "$STATUS" 0 "status of 65,536 blocks"
	exits 4 synfw block $A
	says "there is no room for more than 65536 blocks"
	passes 3 "$(udp $A)"
	exits 0 synfw status --json
	json '.blocks == {count: 65536, size: 65536} and (.warnings | any(contains("no room for another block")))'
	# what is blocked already can be blocked anew
	exits 0 synfw block 10.99.7.7 --for 1h
	sleep 12.1
	exits 0 synfw block $A
	drops 3 "$(udp $A)"
	equal "$(blocked)" "10.99.7.7 $A" "blocked sources"
}

# What an operator once blocked does not keep rules from blocking, though nothing of synfw runs.
test_a_map_full_of_ended_blocks_takes_new_ones() {
	prepare
	for i in $(seq 0 65535); do echo 10.9.$((i / 256)).$((i % 256)); done >"$T/many"
	exits 0 synfw block - --for 2s <"$T/many"
	sleep 2.1
	drops 1 "proto=tcp,src=$A,dst=$EDGE4,dport=23"
	drops 3 "$(udp $A)"
	equal "$(blocked)" $A "blocked sources"
	exits 0 synfw status --json
	json '.tallies.blocks_full == 0'
}

test_mistakes_are_refused() {
	add_hosts
	exits 2 synfw block $A
	says "no policy is in force"
	exits 2 synfw unblock $A
	exits 2 synfw why $A
	says "no policy is in force"
	exits 2 synfw events
	says "no policy is in force"
	prepare_words
	exits 2 synfw block 198.51.100.0/24
	says '"198.51.100.0/24" is a prefix'
	exits 2 synfw block 198.51.100.07
	says '"198.51.100.07" is not an address'
	exits 2 synfw block example.org
	says '"example.org" is not an address'
	exits 2 synfw block
	says "needs ADDR..."
	exits 2 synfw unblock
	says "needs addresses, or --all"
	exits 2 synfw unblock --all $A
	says "--all takes no addresses"
	exits 2 synfw block $A --for 1w
	says '"1w" is not a duration'
	exits 1 synfw unblock $A
	grep -qF "$A is not blocked" "$T/out" || fail "unblock does not say that it is not blocked"
	exits 2 synfw why $A $B
	exits 2 synfw show bloks
	says 'did you mean "blocks"?'
	equal "$(blocked)" none "blocked sources"
	exits 6 on_edge setpriv --reuid 65534 --clear-groups --bounding-set=-all --inh-caps=-all "$SYNFW" block $A
}

prepare_words() {
	policy words <<-E
		rules: [{name: rest, from: any, action: allow}]
	E
	apply words
}
