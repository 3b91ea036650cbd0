# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# A newer synfw takes over under traffic: links stay, counters stay, nothing is lost.

NEXT=$BUILD/netns-tests/next/synfw-next
OTHER_ABI=$BUILD/netns-tests/other-abi/synfw-other-abi
v4="src=$CLIENT4,dst=$EDGE4"

prepare() {
	add_hosts
	add_neighbours
	policy block <<-E
		rules:
		  - {name: telnet, to: 23/tcp, action: drop}
		  - {name: web, to: 80/tcp, action: allow}
	E
}

program_ids() { state | sed -n 's/.*link id [0-9]* program \([0-9]*\).*/\1/p'; }

link_ids() { state | sed -n 's/.*: link id \([0-9]*\) .*/\1/p'; }

program_on_eth0() { on_edge ip -json -details link show eth0 | jq '.[0].xdp.prog.id'; }

begin_traffic() {
	"$TOOLS/frames" --from "$CLIENT/eth0" --to "$EDGE/eth0" --rate 5000 \
		"proto=tcp,$v4,dport=80" "proto=tcp,$v4,dport=23" >"$T/traffic" &
	TRAFFIC=$!
	for _ in $(seq 100); do
		[ "$(rule web)" -gt 100 ] && return
		sleep 0.05
	done
	fail "no traffic"
}

# All of the web arrived, nothing of telnet, and the counters are those of every frame.
end_traffic() { # SYNFW
	local sent arrived
	kill -TERM $TRAFFIC
	wait $TRAFFIC || fail "the traffic ended badly"
	read -r sent arrived < <(sed -n 1p "$T/traffic")
	equal "$arrived" "$sent" "allowed frames that arrived"
	equal "$(counted_by "$1" web)" "$sent" "allowed frames that were counted"
	read -r sent arrived < <(sed -n 2p "$T/traffic")
	equal "$arrived" 0 "dropped frames that arrived"
	equal "$(counted_by "$1" telnet)" "$sent" "dropped frames that were counted"
}

counted_by() { # SYNFW RULE
	on_edge "$1" show rules --json |
		jq --arg name "$2" '.rules[] | select(.name == $name) | .packets'
}

test_newer_program_takes_over_the_link() {
	local links program
	prepare
	apply block
	begin_traffic
	links=$(link_ids)
	program=$(program_on_eth0)
	for _ in $(seq 5); do
		exits 0 on_edge "$NEXT" apply "$T/block.yaml" --json
		json '.program_replaced == true'
		[ "$(program_on_eth0)" != "$program" ] || fail "the old program still runs"
		exits 0 on_edge "$SYNFW" apply "$T/block.yaml" --json
		json '.program_replaced == true'
	done
	exits 0 on_edge "$NEXT" apply "$T/block.yaml"
	equal "$(link_ids)" "$links" "links"
	equal "$(program_ids)" "$(program_on_eth0)" "program of the link"
	end_traffic "$NEXT"
	exits 0 on_edge "$NEXT" status --json
	json '.warnings == []'
}

test_same_program_is_left_in_place() {
	local program
	prepare
	apply block
	program=$(program_on_eth0)
	exits 0 synfw apply "$T/block.yaml" --json
	json '.program_replaced == false'
	equal "$(program_on_eth0)" "$program" "program"
}

test_older_status_says_so() {
	prepare
	apply block
	exits 0 on_edge "$NEXT" status --json
	json '.warnings | any(contains("another build"))'
}

test_other_abi_is_taken_over() {
	local links abi
	prepare
	abi=$(synfw version --json | jq .abi)
	apply block
	exits 0 synfw block 203.0.113.77
	links=$(link_ids)
	exits 0 on_edge "$OTHER_ABI" status --json
	abi=$(basename "$SYNFW_BPFFS"/abi*)
	json ".policy == null and (.warnings | any(contains(\"ABI ${abi#abi}\")))"
	passes 40 "proto=tcp,$v4,dport=80"
	exits 0 on_edge "$OTHER_ABI" apply "$T/block.yaml" --json
	json '.program_replaced == true'
	equal "$(link_ids)" "$links" "links"
	equal "$(state | grep -c '/prog: ')" 1 "datapaths"
	equal "$(counted_by "$OTHER_ABI" web)" 40 "frames that were counted"
	exits 0 on_edge "$OTHER_ABI" show blocks --json
	json '[.blocks[].source] == ["203.0.113.77"]'
	drops 40 "proto=tcp,$v4,dport=23"
	equal "$(counted_by "$OTHER_ABI" telnet)" 40 "frames that were counted"
	exits 0 synfw apply "$T/block.yaml"
	equal "$(link_ids)" "$links" "links"
	equal "$(rule telnet)" 40 "frames that were counted"
	exits 0 synfw show blocks --json
	json '[.blocks[].source] == ["203.0.113.77"]'
}

# The counters move with a gap of a few packets; the packets do not.
test_other_abi_loses_no_packet() {
	local sent arrived
	prepare
	apply block
	begin_traffic
	for _ in $(seq 3); do
		exits 0 on_edge "$OTHER_ABI" apply "$T/block.yaml"
		exits 0 synfw apply "$T/block.yaml"
	done
	kill -TERM $TRAFFIC
	wait $TRAFFIC || fail "the traffic ended badly"
	read -r sent arrived < <(sed -n 1p "$T/traffic")
	equal "$arrived" "$sent" "allowed frames that arrived"
	read -r sent arrived < <(sed -n 2p "$T/traffic")
	equal "$arrived" 0 "dropped frames that arrived"
}
