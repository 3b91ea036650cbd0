# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Dynamic sets: members come, go and expire while the policy is in force, and stay while it is not.

NEXT=$BUILD/netns-tests/next/synfw-next
OTHER_ABI=$BUILD/netns-tests/other-abi/synfw-other-abi
udp4="proto=udp,dst=$EDGE4,dport=5"
udp6="proto=udp,dst=$EDGE6,dport=5"

prepare() { # [SIZE [TIMEOUT]]
	add_hosts
	policy live <<-E
		sets:
		  banned: {dynamic: true, size: ${1:-64}${2:+, timeout: $2}}
		rules:
		  - {name: banned, from: banned, action: drop}
		  - {name: rest, from: any, action: allow}
	E
	apply live
}

add() { exits 0 synfw set add "$@"; }

members() { # SET: its addresses on one line, or "none"
	synfw set list "$1" --json | jq -r '[.members[].address] | if . == [] then "none" else join(" ") end'
}

test_add_drops_the_next_packet_and_del_passes_it() {
	prepare
	passes 7 "$udp4,src=198.51.100.7"
	add banned 198.51.100.7
	drops 7 "$udp4,src=198.51.100.7"
	passes 7 "$udp4,src=198.51.100.8"
	passes 7 "$udp4,src=198.51.100.6"
	equal "$(rule banned)" 7 "frames that the rule counted"
	equal "$(members banned)" 198.51.100.7 "members"
	exits 0 synfw set del banned 198.51.100.7
	passes 7 "$udp4,src=198.51.100.7"
	equal "$(rule banned)" 7 "frames that the rule counted"
	exits 1 synfw set del banned 198.51.100.7 --json
	json '.removed == false'
	equal "$(members banned)" none "members"
}

test_both_families_are_members() {
	prepare
	add banned 2001:db8::7
	add banned ::ffff:198.51.100.9
	drops 5 "$udp6,src=2001:db8::7"
	passes 5 "$udp6,src=2001:db8::8"
	drops 5 "$udp4,src=198.51.100.9"
	equal "$(members banned)" "198.51.100.9 2001:db8::7" "members"
	exits 0 synfw show sets --json
	json '.sets[0] | .dynamic and .ipv4 == 1 and .ipv6 == 1 and .members == 2 and .size == 64'
}

# Nothing of synfw runs between the second and the third burst.
test_members_expire_by_themselves() {
	prepare 64 1h
	add banned 198.51.100.7 --for 2s --json
	json '.added and .expires_in_s == 2'
	add banned 198.51.100.8 --json
	json '.expires_in_s == 3600'
	drops 5 "$udp4,src=198.51.100.7"
	sleep 2.1
	passes 5 "$udp4,src=198.51.100.7"
	drops 5 "$udp4,src=198.51.100.8"
	equal "$(members banned)" 198.51.100.8 "members"
	exits 1 synfw set del banned 198.51.100.7
	add banned 198.51.100.7 --json
	json '.added'
	add banned 198.51.100.7 --for 5d --json
	json '.added == false and .expires_in_s == 432000'
	exits 0 synfw set list banned --json
	json '.members | map(.expires_in_s) | .[0] > 431990 and .[1] > 3590 and .[1] <= 3600'
}

test_all_keys_look_at_members() {
	add_hosts
	policy keys <<-E
		sets:
		  trusted: {dynamic: true}
		  guarded: {dynamic: true}
		  spared: {dynamic: true}
		  listed: [203.0.113.0/24]
		protect: [{from: trusted, to: 5/udp}]
		rules:
		  - {name: to, to-address: guarded, from: 198.51.100.20, action: drop}
		  - {name: mixed, from: [guarded, listed], except: {from: spared}, score: 3}
		  - {name: some, from: [guarded, listed], except: {from: spared}, action: drop}
		defaults: {incoming: allow}
	E
	apply keys
	passes 3 "$udp4,src=198.51.100.20"
	add guarded "$EDGE4"
	drops 3 "$udp4,src=198.51.100.20"
	add trusted 198.51.100.20
	passes 3 "$udp4,src=198.51.100.20"
	equal "$(reason protected)" 3 "protected frames"
	equal "$(rule to)" 3 "frames dropped by destination"
	drops 3 "$udp4,src=203.0.113.9"
	passes 3 "$udp4,src=198.51.100.30"
	add guarded 198.51.100.30
	drops 3 "$udp4,src=198.51.100.30"
	add guarded 203.0.113.9
	drops 3 "$udp4,src=203.0.113.9"
	equal "$(rule mixed)" 9 "frames that scored"
	exits 1 synfw trace --from 203.0.113.9 --to 5/udp --json
	json '.score == 3 and .rule == "some"'
	add spared 203.0.113.9
	passes 3 "$udp4,src=203.0.113.9"
	equal "$(rule some)" 9 "frames that were dropped"
}

test_members_survive_a_reload() {
	prepare
	add banned 198.51.100.7
	add banned 198.51.100.8 --for 1h
	policy moved <<-E
		sets:
		  another: {dynamic: true}
		  more: {dynamic: true, size: 5}
		  banned: {dynamic: true, size: 64, timeout: 1h}
		rules:
		  - {name: more, from: [more, another], action: drop}
		  - {name: banned, from: banned, action: drop}
		  - {name: rest, from: any, action: allow}
	E
	exits 1 synfw diff "$T/moved.yaml" --json
	json '.changes | map(select(.part == "set")) | map(.change) == ["added", "added", "changed"]'
	apply moved
	drops 4 "$udp4,src=198.51.100.7"
	add more 198.51.100.9
	drops 4 "$udp4,src=198.51.100.9"
	apply live
	drops 4 "$udp4,src=198.51.100.8"
	passes 4 "$udp4,src=198.51.100.9"
	equal "$(members banned)" "198.51.100.7 198.51.100.8" "members"
	apply moved
	equal "$(members more)" none "members of a set that was gone meanwhile"
	sed -i 's/size: 64/size: 2/' "$T/moved.yaml"
	apply moved
	equal "$(members banned)" "198.51.100.7 198.51.100.8" "members of a smaller set"
	exits 0 synfw set list banned --json
	json '.size == 2 and .members[0].expires_in_s == null and .members[1].expires_in_s > 3500'
	sed -i 's/size: 2,/size: 1,/' "$T/moved.yaml"
	exits 4 synfw apply "$T/moved.yaml"
	says 'set "banned" has more members than its new size of 1'
	equal "$(members banned)" "198.51.100.7 198.51.100.8" "members after a refused apply"
	drops 4 "$udp4,src=198.51.100.8"
}

test_members_survive_other_programs() {
	local build
	prepare
	add banned 198.51.100.7
	for build in "$NEXT" "$OTHER_ABI" "$SYNFW"; do
		exits 0 on_edge "$build" apply "$T/live.yaml" --json
		json '.program_replaced'
		drops 4 "$udp4,src=198.51.100.7"
		exits 0 on_edge "$build" set add banned 2001:db8::9
		drops 4 "$udp6,src=2001:db8::9"
		exits 0 on_edge "$build" set del banned 2001:db8::9
	done
	equal "$(members banned)" 198.51.100.7 "members"
	equal "$(state | grep -c 'map set_members')" 1 "maps of members"
}

test_detach_ends_members() {
	prepare
	add banned 198.51.100.7
	exits 0 synfw detach
	equal "$(state)" nothing "what is pinned"
	exits 2 synfw set list banned
	says "no policy is in force"
	apply live
	equal "$(members banned)" none "members"
}

test_full_set_refuses() {
	prepare 2
	add banned 198.51.100.7
	add banned 198.51.100.8 --for 1s
	exits 4 synfw set add banned 198.51.100.9
	says 'set "banned" is full: it has 2 members'
	equal "$(members banned)" "198.51.100.7 198.51.100.8" "members"
	passes 3 "$udp4,src=198.51.100.9"
	exits 0 synfw status --json
	json '.sets == [{name: "banned", members: 2, size: 2}]'
	json '.warnings | any(contains("banned is full"))'
	add banned 198.51.100.7 --for 1h
	sleep 1.1
	add banned 198.51.100.9
	equal "$(members banned)" "198.51.100.7 198.51.100.9" "members"
	drops 3 "$udp4,src=198.51.100.9"
	exits 4 synfw set add banned 198.51.100.8
}

# Nothing of synfw runs between the packets: expired members make room for those that rules add.
test_a_set_full_of_expired_members_takes_new_ones() {
	add_hosts
	policy live <<-E
		sets:
		  banned: {dynamic: true, size: 3, timeout: 2s}
		rules:
		  - {name: banned, from: banned, action: drop}
		  - {name: telnet, to: 23/tcp, action: drop, add-to: banned}
		  - {name: rest, from: any, action: allow}
	E
	apply live
	local telnet="proto=tcp,dst=$EDGE4,dport=23" i
	add banned 198.51.100.100 --for 1h
	for i in 1 2 3; do drops 1 "$telnet,src=198.51.100.$i"; done
	equal "$(members banned)" "198.51.100.1 198.51.100.2 198.51.100.100" "members"
	exits 0 synfw status --json
	json '.tallies.sets_full == 1 and (.warnings | any(contains("set full")))'
	passes 3 "$udp4,src=198.51.100.3"
	sleep 2.1
	for i in 4 5; do drops 1 "$telnet,src=198.51.100.$i"; done
	drops 3 "$udp4,src=198.51.100.4"
	equal "$(members banned)" "198.51.100.4 198.51.100.5 198.51.100.100" "members"
	exits 0 synfw status --json
	json '.tallies.sets_full == 1'
}

test_several_addresses_at_once() {
	prepare 64 1h
	add banned 198.51.100.7
	add banned 198.51.100.8 2001:db8::7 198.51.100.7 198.51.100.8 --json
	json '. == {schema: "synfw.set.add.many/1", set: "banned", added: 2, renewed: 1}'
	equal "$(members banned)" "198.51.100.7 198.51.100.8 2001:db8::7" "members"
	exits 2 synfw set add banned 198.51.100.9 junk
	says '"junk" is not an address'
	exits 2 synfw set add banned 198.51.100.9 -
	equal "$(members banned)" "198.51.100.7 198.51.100.8 2001:db8::7" "members"
	exits 1 synfw set del banned 198.51.100.9 198.51.100.8 2001:db8::7 --json
	json '. == {schema: "synfw.set.del.many/1", set: "banned", removed: 2, absent: 1}'
	passes 4 "$udp4,src=198.51.100.8"
	drops 4 "$udp4,src=198.51.100.7"
}

test_lines_of_standard_input_are_addresses() {
	prepare 64 1h
	add banned 198.51.100.9
	printf '\xef\xbb\xbf198.51.100.7\r\n' >"$T/lines"
	cat >>"$T/lines" <<-'E'
		# a comment
		; another

		  198.51.100.8 2d  # with a lifetime of its own
		198.51.100.9;x
		2001:db8::7	90s
		::ffff:198.51.100.7
	E
	printf '198.51.100.10' >>"$T/lines"
	exits 0 synfw set add banned - --for 2h --json <"$T/lines"
	json '.added == 4 and .renewed == 1'
	exits 0 synfw set list banned --json
	json '.members | map([.address, ((.expires_in_s + 60) / 3600 | floor)]) == [
		["198.51.100.7", 2], ["198.51.100.8", 48], ["198.51.100.9", 2],
		["198.51.100.10", 2], ["2001:db8::7", 0]]'
	drops 4 "$udp4,src=198.51.100.10"
	drops 4 "$udp6,src=2001:db8::7"
	printf '\n198.51.100.11\n' >>"$T/lines"
	exits 1 synfw set del banned - <"$T/lines"
	equal "$(cat "$T/out")" "took 5 out of banned; 1 were not in it" "what del says"
	exits 0 synfw set add banned - </dev/null
	equal "$(cat "$T/out")" "added 0 to banned and renewed 0" "what add says"
	equal "$(members banned)" none "members"
}

test_what_list_prints_is_read_by_add() {
	prepare 64
	add banned 198.51.100.7 2001:db8::7
	add banned 198.51.100.8 --for 1h
	exits 0 synfw set list banned
	cp "$T/out" "$T/listed"
	exits 0 synfw set del banned - <"$T/listed"
	equal "$(members banned)" none "members"
	exits 0 synfw set add banned - <"$T/listed"
	exits 0 synfw set list banned --json
	json '.members | map(.expires_in_s == null) == [true, false, true]'
}

test_a_wrong_line_changes_nothing() {
	prepare 64
	printf '198.51.100.7\n192.0.2.0/24\n\n192.0.2.256 1h\n192.0.2.1 1w\n192.0.2.1 1h 2h\n' >"$T/lines"
	printf '192.0.2.1\0\n%02000d\n# %02000d\n\033[31m\n' 0 0 >>"$T/lines"
	exits 2 synfw set add banned - <"$T/lines"
	says 'line 2: "192.0.2.0/24" is a prefix, and a dynamic set holds single addresses'
	says 'line 4: "192.0.2.256" is not an address'
	says 'line 5: "1w" is not a duration'
	says 'line 6: "2h" is too much'
	says 'line 7: "192.0.2.1" ends in a zero byte'
	says 'line 8: "0000'
	says 'line 10: "?[31m" is not an address'
	says 'nothing was changed'
	equal "$(wc -l <"$T/err")" 8 "lines of complaints"
	seq 25 >"$T/lines"
	exits 2 synfw set add banned - <"$T/lines"
	says 'line 20: "20" is not an address'
	says 'and 5 more lines that are not understood'
	equal "$(members banned)" none "members"
}

# Nothing is taken back: what is said to be in the set is in it.
test_a_set_that_gets_full_says_how_far_it_came() {
	prepare 8
	add banned 198.51.100.7
	add banned 198.51.100.101 198.51.100.102 --for 1s
	sleep 1.1
	{ echo 198.51.100.7; printf '198.51.100.%s\n' $(seq 20 40); } >"$T/lines"
	exits 4 synfw set add banned - <"$T/lines"
	says 'set "banned" is full: it has 8 members'
	says 'added 7 and renewed 1 of 22 addresses; nothing was changed from line 9, "198.51.100.27" on'
	equal "$(members banned)" "198.51.100.7 $(echo 198.51.100.{20..26})" "members"
	drops 3 "$udp4,src=198.51.100.26"
	passes 3 "$udp4,src=198.51.100.27"
	exits 4 synfw set add banned 198.51.100.7 198.51.100.50
	says 'added 0 and renewed 1 of 2 addresses; nothing was changed from "198.51.100.50" on'
	seq -f '198.51.100.%g' 20 40 >"$T/lines"
	exits 1 synfw set del banned - --json <"$T/lines"
	json '.removed == 7 and .absent == 14'
	equal "$(members banned)" "198.51.100.7" "members"
}

# More than one call to the kernel takes, and both ways to find what is there already.
test_lines_by_the_hundred_thousand() {
	prepare 300000
	awk 'BEGIN { for (i = 0; i < 150000; i++) {
		printf "100.%d.%d.%d\n", i / 65536, i / 256 % 256, i % 256
		printf "2001:db8:%x:%x::1\n", i / 65536, i % 65536 } }' >"$T/all"
	head -n 100000 "$T/all" >"$T/some"
	exits 0 synfw set add banned - --json <"$T/some"
	json '.added == 100000 and .renewed == 0'
	exits 0 synfw set add banned - --json <"$T/all"
	json '.added == 200000 and .renewed == 100000'
	exits 0 synfw status --json
	json '.sets == [{name: "banned", members: 300000, size: 300000}]'
	drops 3 "$udp4,src=100.2.73.239"
	passes 3 "$udp4,src=100.2.73.240"
	exits 4 synfw set add banned - <<<$'100.0.0.1\n100.2.73.240'
	says 'added 0 and renewed 1 of 2 addresses; nothing was changed from line 2'
	head -n 5000 "$T/all" >"$T/few"
	exits 0 synfw set del banned - --json <"$T/few"
	json '.removed == 5000 and .absent == 0'
	exits 1 synfw set del banned - --json <"$T/all"
	json '.removed == 295000 and .absent == 5000'
	equal "$(members banned)" none "members"
}

# The calls for many number FIRST to LAST of a command on the lines fail without memory.
failing() { # FIRST LAST ACTION
	run on_edge env LD_PRELOAD="$TOOLS/libfail_bpf.so" FAIL_BPF_AT="$1" FAIL_BPF_LAST="$2" \
		FAIL_BPF_ERRNO=12 FAIL_BPF_COUNT="$T/count" "$SYNFW" set "$3" banned - <"$T/lines"
}

number_of_members() { synfw set list banned --json | jq '.members | length'; }

# Three calls for many each; what one that fails leaves goes one by one.
test_failing_calls_leave_what_is_said() {
	local number calls
	prepare 20000
	seq -f '%1.0f' 1 10000 | awk '{ print "100.0." int($1 / 250) "." $1 % 250 }' >"$T/lines"
	failing 0 0 add
	calls=$(cat "$T/count")
	for number in $(seq "$calls"); do
		exits 0 synfw set del banned - <"$T/lines"
		failing "$number" "$number" add
		[ "$STATUS" = 0 ] || says "annot allocate memory"
		equal "$STATUS $(number_of_members)" \
			"$([ "$STATUS" = 0 ] && echo "0 10000" || echo "7 0")" "status and members"
		exits 0 synfw set add banned - <"$T/lines"
	done
	exits 0 synfw set del banned - <"$T/lines"
	failing $((calls - 1)) $((calls + 1)) add
	equal "$STATUS" 7 "status"
	says 'added 4096 and renewed 0 of 10000 addresses; nothing was changed from line 4097, "100.0.16.97" on'
	equal "$(number_of_members)" 4096 "members"
	exits 0 synfw set add banned - <"$T/lines"
	failing 0 0 del
	calls=$(cat "$T/count")
	exits 0 synfw set add banned - <"$T/lines"
	failing "$calls" "$calls" del
	equal "$STATUS $(number_of_members)" "0 0" "status and members"
	exits 0 synfw set add banned - <"$T/lines"
	failing $((calls - 1)) $((calls + 1)) del
	equal "$STATUS" 7 "status"
	says 'took out 4096 of 10000 addresses; nothing was changed from line 4097, "100.0.16.97" on'
	equal "$(number_of_members)" 5904 "members"
}

test_wrong_words_are_refused() {
	add_hosts
	exits 2 synfw set add banned 192.0.2.7
	says "no policy is in force"
	policy words <<-E
		sets:
		  banned: {dynamic: true}
		  listed: [192.0.2.7]
		rules: [{name: banned, from: [banned, listed], action: drop}]
	E
	apply words
	exits 2 synfw set add baned 192.0.2.7
	says 'unknown set "baned"; did you mean "banned"?'
	exits 2 synfw set add nothing-alike 192.0.2.7
	says 'unknown set "nothing-alike": the policy in force has no dynamic set of that name'
	exits 2 synfw set add listed 192.0.2.8
	says 'set "listed" is not dynamic'
	exits 2 synfw set add banned 192.0.2.0/24
	says '"192.0.2.0/24" is a prefix, and a dynamic set holds single addresses'
	exits 2 synfw set add banned 192.0.2.7/32
	exits 2 synfw set add banned 192.0.2.07
	says '"192.0.2.07" is not an address'
	exits 2 synfw set add banned
	says 'needs an address'
	exits 2 synfw set list banned 192.0.2.7
	says 'takes no address'
	exits 2 synfw set add banned 192.0.2.7 --for 1w
	says '"1w" is not a duration'
	exits 2 synfw set del banned 192.0.2.7 --for 1h
	says 'takes no --for'
	exits 2 synfw set ad banned 192.0.2.7
	says 'did you mean "add"?'
	equal "$(members banned)" none "members"
}

test_trace_and_tests_see_members() {
	prepare
	exits 0 synfw trace --from 198.51.100.7 --to 5/udp
	add banned 198.51.100.7
	exits 1 synfw trace --from 198.51.100.7 --to 5/udp --json
	json '.rule == "banned"'
	exits 1 synfw trace --policy "$T/live.yaml" --from 198.51.100.7 --to 5/udp
	exits 0 synfw trace --policy "$T/live.yaml" --from 198.51.100.8 --to 5/udp
	cat >>"$T/live.yaml" <<-E
		tests: [{from: 198.51.100.7, to: 5/udp, expect: allow}]
	E
	exits 3 synfw apply "$T/live.yaml"
	says "test failed"
	exits 0 synfw set del banned 198.51.100.7
	apply live
}

add_many() { # WRITER COUNT
	local i
	for i in $(seq "$2"); do
		synfw set add banned "198.51.$1.$i" || exit 1
	done
}

# The sizes of the two policies differ, so that each reload copies the members into a new map.
test_no_add_is_lost_while_policies_are_replaced() {
	local writer writers=() i
	prepare 4096
	sed 's/size: 4096/size: 5000/' "$T/live.yaml" >"$T/wider.yaml"
	for writer in 1 2 3 4; do
		add_many $writer 100 >"$T/writer$writer" 2>&1 &
		writers+=($!)
	done
	for _ in $(seq 10); do
		apply wider
		apply live
	done
	for i in "${!writers[@]}"; do
		wait "${writers[$i]}" || { cat "$T/writer$((i + 1))" >&2; fail "an add failed"; }
	done
	exits 0 synfw set list banned --json
	json '(.members | length) == 400'
	drops 4 "$udp4,src=198.51.4.100"
	passes 4 "$udp4,src=198.51.4.101"
	equal "$(state | grep -c 'map set_members')" 1 "maps of members"
}
