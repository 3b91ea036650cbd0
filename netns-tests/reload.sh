# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Replacing a policy under traffic: no allowed packet is lost, no packet is judged by a mixture.
#
# "east" and "west" have the same names of rules at other places, with other sets and ports, so that
# every class and every bit has another number. A packet that saw tables of both would end in the
# default or in a filler, which is where none may end. Counters belong to names and so survive.

. "$SOURCE/netns-tests/lib-synfwd.sh"

APPLIES=${SYNFW_APPLIES:-1000}
udp4="proto=udp,dst=$EDGE4"
udp6="proto=udp,dst=$EDGE6"

write_policies() {
	policy east <<-E
		sets:
		  friends: [198.51.100.0/25, 192.0.2.0/24, "2001:db8:1::/48"]
		  strangers: [203.0.113.0/24, "2001:db8:bad::/48"]
		  red: [198.51.100.200, "2001:db8:2::1"]
		  blue: [198.51.100.201, "2001:db8:2::2"]
		rules:
		  - {name: refused, from: strangers, to: 4000/udp, action: drop}
		  - {name: allowed, from: friends, to: 3000/udp, action: allow}
		  - {name: closed, from: red, to: 1000/udp, action: drop}
		  - {name: open, from: blue, to: 2000/udp, action: allow}
		  - {name: web, to: 80/tcp, action: allow}
		  - {name: filler-east, from: [friends, red], to: [2000/udp, 4000/udp], action: drop}
	E
	policy west <<-E
		sets:
		  nobody: [10.0.0.0/8, "2001:db8:3::/48"]
		  blue: [198.51.100.201, 198.51.100.202, "2001:db8:2::2"]
		  friends: [198.51.100.0/26, 192.0.2.0/24, "2001:db8:1::/64"]
		  red: [198.51.100.200/32, "2001:db8:2::1"]
		  strangers: [203.0.113.0/25, "2001:db8:bac::/47"]
		rules:
		  - {name: filler-one, from: nobody, to: [7/udp, 1000/udp, 3000/udp], action: drop}
		  - {name: filler-two, from: [nobody, blue], to: [1000/udp, 3000/udp], action: drop}
		  - {name: open, from: red, to: 1000/udp, action: allow}
		  - {name: filler-three, from: [friends, nobody], to: 1000-2000/udp, action: drop}
		  - {name: web, to: [80/tcp, 443/tcp], action: allow}
		  - {name: closed, from: blue, to: 2000/udp, action: drop}
		  - {name: allowed, from: friends, to: 3000-3001/udp, action: allow}
		  - {name: filler-four, from: red, to: [2000/udp, 4000/udp], action: drop}
		  - {name: refused, from: strangers, to: 3999-4000/udp, action: drop}
	E
}

# The same million, but for one address: 198.51.100.200 and .201 as in the small ones. Each is made
# from the other, of which one block is made anew.
write_million() {
	awk 'BEGIN {for (i = 0; i < 500000; i++)
		printf "%d.%d.%d.0/24\n%d.%d.%d.%d\n", 16 + i / 65536, i / 256 % 256, i % 256,
			64 + i / 65536, i / 256 % 256, i % 256, i % 251}' >"$T/both.txt"
	{ cat "$T/both.txt"; echo 198.51.100.200; echo 203.0.113.10; } >"$T/east.txt"
	{ cat "$T/both.txt"; echo 198.51.100.201; echo 203.0.113.10; } >"$T/west.txt"
	policy million-east <<-E
		sets: {listed: {file: east.txt}}
		rules:
		  - {name: refused, from: listed, action: drop}
		  - {name: allowed, action: allow}
	E
	policy million-west <<-E
		sets: {listed: {file: west.txt}}
		rules:
		  - {name: refused, from: listed, action: drop}
		  - {name: allowed, action: allow}
	E
}

begin_traffic() { # what both allow, what both drop, what one allows and the other drops
	"$TOOLS/frames" --from "$CLIENT/eth0" --to "$EDGE/eth0" --rate 8000 \
		"$udp4,src=198.51.100.10,dport=3000" "$udp6,src=2001:db8:1::10,dport=3000" \
		"$udp4,src=203.0.113.10,dport=4000" "$udp6,src=2001:db8:bad::10,dport=4000" \
		"$udp4,src=198.51.100.200,dport=1000" "$udp6,src=2001:db8:2::1,dport=1000" \
		"$udp4,src=198.51.100.201,dport=2000" "$udp6,src=2001:db8:2::2,dport=2000,vlan=7" \
		>"$T/frames" &
	FRAMES=$!
	# a segment that is late because the machine is busy is not taken for a lost one
	ip -n "$CLIENT" route change 192.0.2.0/24 dev eth0 src $CLIENT4 rto_min 30s
	ip -n "$EDGE" route change 192.0.2.0/24 dev eth0 src $EDGE4 rto_min 30s
	"$TOOLS/tcp_stream" --server "$EDGE" --client "$CLIENT" --address $EDGE4 --port 80 >"$T/tcp" &
	TCP=$!
	for _ in $(seq 100); do
		[ "$(rule allowed)" -gt 100 ] && [ "$(rule web)" -gt 100 ] && return
		sleep 0.05
	done
	fail "no traffic"
}

end_traffic() {
	kill -TERM $TCP
	wait $TCP || fail "the TCP stream broke"
	kill -TERM $FRAMES
	wait $FRAMES || fail "the frames ended badly"
}

sum() { # FIRST LAST COLUMN: over those lines of the frames' counts
	awk -v first="$1" -v last="$2" -v column="$3" \
		'NR >= first && NR <= last {n += $column} END {print n}' "$T/frames"
}

judge_traffic() {
	local messages retransmits line
	cat "$T/frames" "$T/tcp"
	equal "$(sum 1 2 2)" "$(sum 1 2 1)" "frames that both policies allow: arrived"
	equal "$(sum 3 4 2)" 0 "frames that both policies drop: arrived"
	equal "$(rule allowed)" "$(sum 1 2 1)" "frames that both allow: counted"
	equal "$(rule refused)" "$(sum 3 4 1)" "frames that both drop: counted"
	equal "$(rule open)" "$(sum 5 8 2)" "frames that one allows: counted as allowed"
	equal "$(rule closed)" $(($(sum 5 8 1) - $(sum 5 8 2))) "frames that one drops: counted as dropped"
	for line in 5 6 7 8; do
		[ "$(sum $line $line 2)" -gt 0 ] || fail "no frame of line $line met the policy that allows it"
	done
	equal "$(synfw show rules --json | jq '[.rules[] | select(.name | startswith("filler")) | .packets] | add')" \
		0 "frames that a filler judged"
	equal "$(reason default-drop)" 0 "frames that no rule judged"
	read -r messages retransmits <"$T/tcp"
	[ "$messages" -gt 100 ] || fail "only $messages TCP messages"
	equal "$retransmits" 0 "TCP segments that were lost"
	exits 0 synfw status --json
	json '([.reasons[]] | add) == ([.interfaces[].packets] | add)'
	json '.reasons["no-policy"] == 0'
}

test_loses_and_mixes_nothing() {
	local before began=$SECONDS i
	add_hosts
	add_neighbours
	write_policies
	apply east
	before=$(state | grep -E 'pin .*(link|program) .*id')
	begin_traffic
	for i in $(seq "$APPLIES"); do
		if [ $((i % 2)) = 1 ]; then apply west; else apply east; fi
	done
	end_traffic
	echo "$APPLIES applies in $((SECONDS - began)) s"
	equal "$(state | grep -E 'pin .*(link|program) .*id')" "$before" "links and program"
	judge_traffic
	exits 0 synfw status --json
	json ".policy.revision == $APPLIES + 1"
}

# Six applies of a million entries while frames come in: listed in both, in none, in one; a neighbour
# of a listed one. SLOWEST: of all frames, in us.
replace_million() {
	local began=$SECONDS i frames refused
	refused=$(rule refused)
	"$TOOLS/frames" --from "$CLIENT/eth0" --to "$EDGE/eth0" --rate 8000 --delay \
		"$udp4,src=16.1.2.3,dport=1" "$udp4,src=203.0.113.10,dport=1" \
		"$udp4,src=15.1.2.3,dport=1" "$udp4,src=203.0.113.11,dport=1" \
		"$udp4,src=198.51.100.200,dport=1" "$udp4,src=198.51.100.201,dport=1" >"$T/frames" &
	frames=$!
	for i in $(seq 6); do
		if [ $((i % 2)) = 1 ]; then apply million-west; else apply million-east; fi
	done
	kill -TERM $frames
	wait $frames || fail "the frames ended badly"
	cat "$T/frames"
	SLOWEST=$(sort -nk3 "$T/frames" | awk 'END {print $3}')
	echo "6 applies of a million entries in $((SECONDS - began)) s; the slowest frame took $SLOWEST us"
	equal "$(sum 1 2 2)" 0 "frames that both drop: arrived"
	equal "$(sum 3 4 2)" "$(sum 3 4 1)" "frames that both allow: arrived"
	for i in 3 4 5 6; do
		[ "$(sum $i $i 3)" -gt 0 ] || fail "no delay was measured of line $i"
	done
	for i in 5 6; do
		[ "$(sum $i $i 2)" -gt 0 ] || fail "no frame of line $i met the policy that allows it"
		[ "$(sum $i $i 2)" -lt "$(sum $i $i 1)" ] || fail "every frame of line $i passed"
	done
	equal $(($(rule refused) - refused)) $(($(sum 1 6 1) - $(sum 1 6 2))) "frames that were dropped: counted"
}

# The first time, or both others: a busy machine delays frames, too.
replace_million_without_delay() {
	local i
	replace_million
	if [ "$SLOWEST" -lt 10000 ]; then return; fi
	for i in 2 3; do
		replace_million
		[ "$SLOWEST" -lt 10000 ] || fail "a frame took 10 ms twice"
	done
}

test_million_entries_are_replaced_under_traffic() {
	add_hosts
	add_neighbours
	write_million
	apply million-east
	replace_million_without_delay
	exits 0 synfw apply "$T/million-west.yaml" --json
	json '.blocks_changed == 1 and .blocks_copied == 131071'
	# what is in force is compared with, not what its file has become since: 16.1.2.0/24 goes, and
	# 15.1.2.3 comes, in a block each, while 198.51.100.201 gives way to .200 again
	sed -i '/^16[.]1[.]2[.]0/d' "$T/west.txt"
	sed '/^16[.]1[.]2[.]0/d; $ a 15.1.2.3' "$T/east.txt" >"$T/changed.txt"
	mv "$T/changed.txt" "$T/east.txt"
	exits 0 synfw apply "$T/million-east.yaml" --json
	json '.blocks_changed == 3 and .blocks_copied == 131069'
	passes 2 "$udp4,src=16.1.2.3,dport=1"
	drops 2 "$udp4,src=16.1.3.3,dport=1"
	drops 2 "$udp4,src=15.1.2.3,dport=1"
	passes 2 "$udp4,src=15.1.2.4,dport=1"
	drops 2 "$udp4,src=198.51.100.200,dport=1"
	passes 2 "$udp4,src=198.51.100.201,dport=1"
}

test_million_entries_are_given_up_by_synfwd_under_traffic() {
	add_hosts
	add_neighbours
	write_million
	apply million-east
	start
	serves
	replace_million_without_delay
	# and it was left to synfwd: nine pages of each generation
	kill -STOP "$PID"
	apply million-west
	equal "$(state | grep -c '^    map policy_page')" 18 "pages of both generations"
	kill -CONT "$PID"
	[ ! -s "$T/synfwd.err" ] || fail "synfwd says: $(cat "$T/synfwd.err")"
	stop
}
