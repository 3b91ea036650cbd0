# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Connections that are open when they begin to be tracked, the egress filter that tracks them, and floods.

. "$SOURCE/netns-tests/tools/talk.sh"

# ---- what was open before ------------------------------------------------------------------------

COUNT=${SYNFW_CONNECTIONS:-100}
RELOADS=$((${SYNFW_APPLIES:-1000} / 10))

test_open_connections_survive_the_switch_and_reloads() {
	local i
	prepare
	apply open
	says_ok many "$COUNT" "$EDGE" $EDGE4 "$CLIENT" $CLIENT4 $SERVER
	says_ok many 10 "$EDGE" $EDGE6 "$CLIENT" $CLIENT6 $SERVER
	exits 0 synfw apply "$T/strict.yaml" --json
	json ".seeded == $COUNT + 10"
	equal "$(flows .seeded)" $((COUNT + 10)) "connections that were open"
	equal "$(talk all)" $((COUNT + 10)) "connections that go on"
	for i in $(seq "$RELOADS"); do
		exits 0 synfw apply "$T/strict.yaml" --json
		json '.seeded == 0'
		equal "$(talk all)" $((COUNT + 10)) "connections after $i reloads"
	done
	equal "$(talk connect x "$CLIENT" $CLIENT4 $EDGE4 22)" timeout "a connection that no rule allows"
}

test_busy_connections_lose_nothing_to_the_switch_and_reloads() {
	local i
	prepare
	apply open
	says_ok many "$COUNT" "$EDGE" $EDGE4 "$CLIENT" $CLIENT4 $SERVER
	says_ok many 10 "$EDGE" $EDGE6 "$CLIENT" $CLIENT6 $SERVER
	says_ok stream
	apply strict
	for i in $(seq "$RELOADS"); do apply strict; done
	equal "$(talk streamed)" $((COUNT + 10)) "connections that carried all that was sent"
}

test_open_udp_and_half_closed_connections_survive_the_switch() {
	local port
	prepare
	apply open
	port=$(connected)
	says_ok shut here
	talk udp server "$CLIENT" $CLIENT4 $DNS >/dev/null
	port=$(talk udp asks "$EDGE" $EDGE4 0 $CLIENT4 $DNS)
	apply strict
	reaches peer here
	reaches server asks $EDGE4 "$port"
	drops 10 "proto=udp,src=$CLIENT4,dst=$EDGE4,sport=$DNS,dport=$((port ^ 1))"
}

# Mapped addresses: an IPv6 socket that speaks IPv4.
test_open_connections_of_dual_stack_sockets_survive_the_switch() {
	prepare
	apply open
	says_ok listen there "$EDGE" :: $SERVER
	talk connect here "$CLIENT" $CLIENT4 $EDGE4 $SERVER >/dev/null
	says_ok accept peer there
	apply strict
	reaches here peer
	reaches peer here
}

interrupted() { # FIRST LAST: an apply whose dumps of sockets, from FIRST to LAST, are interrupted
	on_edge env LD_PRELOAD="$TOOLS/libinterrupt_dump.so" INTERRUPT_DUMP_AT="$1" \
		INTERRUPT_DUMP_LAST="$2" INTERRUPT_DUMP_TYPE=20 "$SYNFW" apply "$T/strict.yaml"
}

test_interrupted_dump_of_sockets_is_repeated() {
	prepare
	apply open
	connected >/dev/null
	exits 0 interrupted 1 3
	reaches peer here
}

# Connections that nobody knows would break: the policy stays out of force.
test_dump_of_sockets_that_always_fails_changes_nothing() {
	prepare
	apply open
	exits 7 interrupted 1 1000
	says "cannot list the connections that are open"
	equal "$(live_policy)" open "policy in force"
	equal "$(egress_filters eth0) $(qdiscs)" "0 0" "filters and qdiscs"
}

# ---- floods --------------------------------------------------------------------------------------

# Who was answered would pass before the rules from then on, whatever limits stand there.
test_what_a_server_answers_opens_nothing() {
	prepare
	policy served <<-E
		defaults: {incoming: drop, established: allow, icmp: rules}
		rules:
		  - {name: discovery, icmp: [neighbour-solicitation, neighbour-advertisement], action: allow}
		  - {name: limit, to: $DNS/udp, rate: {over: 1/h, burst: 1, per: source}, action: drop}
		  - {name: dns, to: [$DNS/udp, $SERVER/tcp], action: allow}
	E
	apply served
	talk udp server "$EDGE" $EDGE4 $DNS >/dev/null
	talk udp asks "$CLIENT" $CLIENT4 1053 >/dev/null
	reaches asks server $EDGE4 $DNS
	reaches server asks $CLIENT4 1053
	equal "$(flows true)" 0 "connections after an answer"
	drops 5 "proto=udp,src=$CLIENT4,dst=$EDGE4,sport=1053,dport=$DNS"
	talk udp own "$EDGE" $EDGE4 $SERVER >/dev/null
	says_ok send own $CLIENT4 1053
	equal "$(flows '.protocol == "udp"')" 1 "connections from a port that is open for TCP only"
	apply strict
	says_ok send server $CLIENT4 1053
	equal "$(flows '.protocol == "udp"')" 2 "connections once no rule opens the port"
}

# As a server answers forged questions: every answer looks like a connection that this host opens.
test_answers_to_everybody_push_out_nothing_else() {
	local port
	prepare
	ip -n "$EDGE" address add 192.0.2.11/24 dev eth0
	ip -n "$CLIENT" neighbour replace 192.0.2.11 lladdr "$(mac_of "$EDGE" eth0)" dev eth0
	apply strict
	connected >/dev/null
	talk udp server "$CLIENT" $CLIENT4 $DNS >/dev/null
	port=$(talk udp asks "$EDGE" $EDGE4 0 $CLIENT4 $DNS)
	says_ok send asks
	talk udp one "$EDGE" $EDGE4 53 >/dev/null
	talk udp two "$EDGE" 192.0.2.11 53 >/dev/null
	says_ok flood one $CLIENT4
	says_ok flood two $CLIENT4
	exits 0 synfw status --json
	json '.flows.unconnected > 30000 and .flows.unconnected <= .flows.size and .flows.connected == 2'
	json '.flows.lost == 0'
	reaches peer here
	reaches server asks $EDGE4 "$port"
}

# ---- the filter ----------------------------------------------------------------------------------

test_filter_comes_and_goes_with_the_need() {
	prepare
	apply open
	equal "$(egress_filters eth0) $(qdiscs)" "0 0" "filters and qdiscs without need"
	apply strict
	equal "$(egress_filters eth0) $(qdiscs)" "1 1" "filters and qdiscs"
	talk udp asks "$EDGE" $EDGE4 0 $CLIENT4 9 >/dev/null
	says_ok send asks
	equal "$(flows true)" 1 "connections"
	apply open
	equal "$(egress_filters eth0) $(qdiscs)" "0 0" "filters and qdiscs without need"
	exits 0 synfw show flows --json
	json '.flows == []'
	exits 0 synfw status --json
	json '.flows == null'
	apply strict
	exits 0 synfw detach --json
	json '.warnings == []'
	equal "$(egress_filters eth0) $(qdiscs)" "0 0" "filters and qdiscs after detach"
}

test_filters_of_others_stay() {
	prepare
	apply strict
	on_edge tc filter add dev eth0 egress prio 7 bpf direct-action object-pinned \
		"$(echo "$SYNFW_BPFFS"/abi*/egress)"
	exits 0 synfw detach
	equal "$(egress_filters eth0) $(qdiscs)" "1 1" "filters of others, and what they hang on"
	on_edge tc filter del dev eth0 egress
	apply strict
	connected >/dev/null
	reaches peer here
	exits 0 synfw detach
	equal "$(egress_filters eth0) $(qdiscs)" "0 1" "filters of synfw, and the qdisc of others"
}

test_missing_filter_is_told_and_repaired() {
	prepare
	apply strict
	connected >/dev/null
	on_edge tc qdisc del dev eth0 clsact
	exits 0 synfw status --json
	json '.warnings | any(contains("egress filter of eth0 is missing"))'
	reaches peer here
	equal "$(talk connect other "$EDGE" $EDGE4 $CLIENT4 $SERVER)" timeout "a connection that nobody saw"
	apply strict
	exits 0 synfw status --json
	json '.warnings == []'
	reaches peer here
	[ "$(talk connect other "$EDGE" $EDGE4 $CLIENT4 $SERVER)" -gt 0 ] || fail "cannot connect"
}

test_connections_survive_a_newer_program() {
	local filter
	prepare
	apply strict
	connected >/dev/null
	filter=$(on_edge tc filter show dev eth0 egress | grep -o 'id [0-9]*')
	exits 0 on_edge "$BUILD/netns-tests/next/synfw-next" apply "$T/strict.yaml" --json
	json '.program_replaced and .seeded == 0'
	[ "$(on_edge tc filter show dev eth0 egress | grep -o 'id [0-9]*')" != "$filter" ] ||
		fail "the old filter still runs"
	reaches peer here
	exits 0 on_edge "$BUILD/netns-tests/other-abi/synfw-other-abi" apply "$T/strict.yaml" --json
	json '.seeded == 1'
	reaches peer here
	equal "$(egress_filters eth0) $(qdiscs)" "1 1" "filters and qdiscs"
	exits 0 on_edge "$BUILD/netns-tests/other-abi/synfw-other-abi" detach
	equal "$(egress_filters eth0) $(qdiscs)" "0 0" "filters and qdiscs after detach"
}

LINK_CREATE=28 SIGKILL=9	# of enum bpf_cmd

test_filter_of_a_killed_apply_is_taken_away() {
	local command
	prepare
	for command in detach "apply $T/open.yaml" "apply $T/strict.yaml"; do
		run on_edge env LD_PRELOAD="$TOOLS/libfail_bpf.so" FAIL_BPF_COMMAND=$LINK_CREATE \
			FAIL_BPF_AT=1 FAIL_BPF_SIGNAL=$SIGKILL "$SYNFW" apply "$T/strict.yaml"
		equal "$STATUS" 137 "status of an apply that is killed"
		equal "$(egress_filters eth0) $(qdiscs)" "1 1" "filters and qdiscs of one that was killed"
		# shellcheck disable=SC2086 # words
		exits 0 synfw $command
		[ "$command" = "apply $T/strict.yaml" ] ||
			equal "$(egress_filters eth0) $(qdiscs)" "0 0" "filters and qdiscs after $command"
		exits 0 synfw detach
		equal "$(egress_filters eth0) $(qdiscs)" "0 0" "filters and qdiscs after detach"
	done
}

test_interface_that_is_added_has_its_open_connections() {
	local other=$CASE_ID-other
	prepare
	add_host "$other"
	join eth1 "$other"
	add_addresses "$EDGE" eth1 198.51.100.1/24
	add_addresses "$other" eth0 198.51.100.2/24
	apply strict
	says_ok listen there "$EDGE" 198.51.100.1 $SERVER
	talk connect here "$other" 198.51.100.2 198.51.100.1 $SERVER >/dev/null
	says_ok accept peer there
	apply strict --interface eth0 --interface eth1
	equal "$(egress_filters eth1)" 1 "filters"
	reaches here peer
	ip -n "$EDGE" link delete eth1
	apply strict
	exits 0 synfw detach
}
