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
