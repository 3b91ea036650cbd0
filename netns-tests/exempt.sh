# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Gateways, servers and this host's own addresses are never blocked: apply says which they are, and
# synfwd as soon as that changes.

. "$SOURCE/netns-tests/lib-synfwd.sh"

# of bpf(2)
LOOKUP_BATCH=24 UPDATE_BATCH=26 DELETE_BATCH=27
GATEWAY=1 RESOLVER=2 DHCP=3 OWN=4
OTHER4=192.0.2.3 OTHER6=2001:db8::3 THIRD4=192.0.2.4

prepare() {
	add_hosts
	add_ipv6
	ip -n "$EDGE" route add default via $CLIENT4
	ip -n "$EDGE" -6 route add default via $CLIENT6
	policy plain <<-E
		rules: [{name: web, to: 80/tcp, action: allow}]
	E
	policy strict <<-E
		protect: [infrastructure]
		rules: [{name: web, to: 80/tcp, action: allow}]
	E
}

# ---- what the kernel holds -----------------------------------------------------------------------

# "KEY KIND" a line, in hex. What goes while bpftool looks has an error for a value.
exempt() {
	bpftool -j map dump pinned "$SYNFW_BPFFS"/abi*/synfw_exempt |
		jq -r '.[] | select(.value | arrays) | "\(.key | map(ltrimstr("0x")) | join("")) \(.value[0] | ltrimstr("0x"))"' |
		sort
}

key_of() { # ADDRESS
	python3 -c 'import ipaddress, sys
a = ipaddress.ip_address(sys.argv[1])
print(a.packed.hex() if a.version == 6 else "0" * 20 + "ffff" + a.packed.hex())' "$1"
}

kind_of() { # ADDRESS: a number, or "none"
	local key kind
	key=$(key_of "$1")
	kind=$(exempt | sed -n "s/^$key 0*//p")
	echo "${kind:-none}"
}

is_exempt() { # KIND ADDRESS...
	local kind=$1 address
	shift
	for address; do equal "$(kind_of "$address")" "$kind" "kind of $address"; done
}

# synfwd rests ten times as long as its last look took, so a busy machine has it wait.
soon() { # KIND ADDRESS
	local end=$((${EPOCHREALTIME/./} + 5000000))
	while [ "$(kind_of "$2")" != "$1" ]; do
		[ "${EPOCHREALTIME/./}" -lt $end ] || fail "after 5 seconds $2 is $(kind_of "$2"), not $1"
		sleep 0.02
	done
}

status_says() { # FILTER
	exits 0 synfw status --json
	json "$1"
}

cpu_ms() { # of synfwd
	local words
	read -ra words <"/proc/$PID/stat"
	echo $(((words[13] + words[14]) * 1000 / $(getconf CLK_TCK)))
}

# ---- apply ---------------------------------------------------------------------------------------

test_apply_makes_gateways_and_own_addresses_exempt() {
	prepare
	ip -n "$EDGE" route add 198.51.100.0/24 table 77 nexthop via $OTHER4 nexthop via $THIRD4
	ip -n "$EDGE" route add 203.0.113.0/24 via inet6 $OTHER6 dev eth0
	apply plain
	is_exempt $GATEWAY $CLIENT4 $CLIENT6 $OTHER4 $THIRD4 $OTHER6
	is_exempt $OWN $EDGE4 $EDGE6 127.0.0.1 ::1
	is_exempt none 192.0.2.9 2001:db8::9 0.0.0.0 ::
	status_says '.warnings == [] and .agent == {"running": false}'
}

test_next_hops_without_a_route_are_gateways() {
	prepare
	ip -n "$EDGE" nexthop add id 7 via $OTHER4 dev eth0
	apply plain
	is_exempt $GATEWAY $OTHER4
}

test_point_to_point_address_is_its_own_end() {
	prepare
	ip -n "$EDGE" address add 198.51.100.1 peer 198.51.100.2 dev eth0
	apply plain
	is_exempt $OWN 198.51.100.1
	is_exempt none 198.51.100.2
}

test_without_synfwd_the_next_apply_sees_changes() {
	prepare
	apply strict
	ip -n "$EDGE" route replace default via $OTHER4
	is_exempt none $OTHER4
	status_says '.warnings | any(contains("can be blocked: start synfwd, or apply again"))'
	status_says '.warnings | any(contains("`protect: infrastructure` stands for the old ones"))'
	apply strict
	is_exempt $GATEWAY $OTHER4
	is_exempt none $CLIENT4
	status_says '.warnings == []'
}

test_apply_by_another_build_or_abi_keeps_them() {
	local other
	prepare
	apply plain
	for other in next/synfw-next other-abi/synfw-other-abi; do
		exits 0 on_edge "$TOOLS/$other" apply "$T/plain.yaml"
		is_exempt $GATEWAY $CLIENT4 $CLIENT6
		is_exempt $OWN $EDGE4 $EDGE6
	done
}

via() { ip -n "$EDGE" route replace 198.51.100.0/24 via "$1"; }

# The last call of the kind is the one: the tables are filled before.
test_apply_that_cannot_write_them_is_refused_and_takes_nobody_out_who_stays() {
	local command number
	prepare
	for command in $UPDATE_BATCH $DELETE_BATCH; do
		via $OTHER4
		apply plain
		for number in 0 last; do
			via $THIRD4
			[ $number = 0 ] || number=$(cat "$T/count")
			run on_edge env LD_PRELOAD="$TOOLS/libfail_bpf.so" FAIL_BPF_COMMAND=$command \
				FAIL_BPF_COUNT="$T/count" FAIL_BPF_AT="$number" FAIL_BPF_ERRNO=12 \
				"$SYNFW" apply "$T/plain.yaml"
			equal "$STATUS" $((number ? 7 : 0)) "status of an apply whose call $number fails"
			is_exempt $GATEWAY $CLIENT4 $CLIENT6
			is_exempt $OWN $EDGE4 $EDGE6
			via $OTHER4
			apply plain
			is_exempt $GATEWAY $OTHER4
			is_exempt none $THIRD4
		done
	done
}

# ---- synfwd: what changes ------------------------------------------------------------------------

test_synfwd_follows_routes() {
	prepare
	apply plain
	start
	ip -n "$EDGE" route add 198.51.100.0/24 via $OTHER4 table 77
	soon $GATEWAY $OTHER4
	ip -n "$EDGE" -6 route add 2001:db8:7::/48 via $OTHER6
	soon $GATEWAY $OTHER6
	ip -n "$EDGE" route replace default via $THIRD4
	soon $GATEWAY $THIRD4
	soon none $CLIENT4
	ip -n "$EDGE" route del 198.51.100.0/24 table 77
	soon none $OTHER4
	ip -n "$EDGE" -6 route del 2001:db8:7::/48
	soon none $OTHER6
	ip -n "$EDGE" nexthop add id 7 via $OTHER4 dev eth0
	soon $GATEWAY $OTHER4
	status_says '.warnings == [] and .agent.running'
	stop
	equal "$(cat "$T/synfwd.err")." . "what synfwd wrote"
}

test_synfwd_follows_addresses() {
	prepare
	apply plain
	start
	add_addresses "$EDGE" eth0 198.51.100.1/24 2001:db8:5::1/64
	soon $OWN 198.51.100.1
	soon $OWN 2001:db8:5::1
	ip -n "$EDGE" address del 198.51.100.1/24 dev eth0
	soon none 198.51.100.1
	ip link add name more netns "$EDGE" type veth peer name less netns "$EDGE"
	add_addresses "$EDGE" more 198.51.100.77/32
	soon $OWN 198.51.100.77
	ip -n "$EDGE" link del more
	soon none 198.51.100.77
	stop
}

# The kernel tells of no IPv4 route that goes with its interface.
test_synfwd_follows_links() {
	prepare
	apply plain
	start
	ip -n "$EDGE" link set eth0 down
	soon none $CLIENT4
	soon none $CLIENT6
	is_exempt $OWN $EDGE4
	ip -n "$EDGE" link set eth0 up
	ip -n "$EDGE" route add default via $CLIENT4
	soon $GATEWAY $CLIENT4
	stop
}

# The machine's files are not touched: synfwd has a /run and a /var/lib of its own.
inside() { nsenter --target "$PID" --mount "$@"; }

test_synfwd_follows_name_servers_and_leases() {
	prepare
	apply plain
	start unshare --mount sh -c 'mount -t tmpfs none /run && mount -t tmpfs none /var/lib &&
		exec "$0"'
	inside mkdir -p /run/systemd/resolve /run/systemd/netif/leases /var/lib/dhcp /var/lib/dhcpcd
	inside sh -c 'echo nameserver 198.51.100.53 >/run/systemd/resolve/resolv.conf'
	soon $RESOLVER 198.51.100.53
	inside sh -c 'echo nameserver 2001:db8::53 >/run/systemd/resolve/new &&
		mv /run/systemd/resolve/new /run/systemd/resolve/resolv.conf'
	soon $RESOLVER 2001:db8::53
	soon none 198.51.100.53
	inside sh -c 'printf "ADDRESS=192.0.2.1\nSERVER_ADDRESS=198.51.100.67\n" >/run/systemd/netif/leases/2'
	soon $DHCP 198.51.100.67
	inside sh -c 'printf "lease {\n  option dhcp-server-identifier 198.51.100.68;\n}\n" \
		>/var/lib/dhcp/dhclient.eth0.leases'
	soon $DHCP 198.51.100.68
	inside sh -c 'mkfifo /run/systemd/netif/leases/3 && rm /run/systemd/netif/leases/2'
	soon none 198.51.100.67
	stop
}

test_who_stays_exempt_is_so_at_every_moment() {
	local i key keys seen
	prepare
	apply plain
	start
	keys="$(key_of $CLIENT4) $(key_of $CLIENT6) $(key_of $EDGE4)"
	for i in $(seq 40); do
		ip -n "$EDGE" route replace 198.51.100.0/24 via 192.0.2.$((100 + i))
		seen=$(exempt)
		for key in $keys; do
			grep -q "^$key" <<<"$seen" || fail "$key was not exempt for a moment"
		done
	done
	soon $GATEWAY 192.0.2.140
	is_exempt none 192.0.2.139
	stop
}

# ---- synfwd and others ---------------------------------------------------------------------------

test_synfwd_survives_detach_and_apply() {
	prepare
	start
	status_says '.agent.running and .policy == null'
	apply plain
	exits 0 synfw detach
	ip -n "$EDGE" route add 198.51.100.0/24 via $OTHER4
	apply plain
	is_exempt $GATEWAY $OTHER4
	ip -n "$EDGE" route add 203.0.113.0/24 via $THIRD4
	soon $GATEWAY $THIRD4
	apply plain
	exits 0 synfw detach
	equal "$(state)" nothing "what is pinned"
	stop
}

test_killed_synfwd_leaves_the_map_and_the_next_one_goes_on() {
	local before
	prepare
	apply plain
	start
	before=$(exempt)
	kill -KILL "$PID"
	ends_with 137
	status_says '.agent.running == false'
	equal "$(exempt)" "$before" "exempt addresses"
	ip -n "$EDGE" route add 198.51.100.0/24 via $OTHER4
	start
	soon $GATEWAY $OTHER4
	stop
	status_says '.agent.running == false'
}

# Stopped when it has read, added or taken out; whoever comes next finds a map that it can mend.
test_synfwd_killed_half_way_leaves_a_usable_map() {
	local command
	prepare
	for command in $LOOKUP_BATCH $UPDATE_BATCH $DELETE_BATCH; do
		via $OTHER4
		apply plain
		via $THIRD4
		run timeout 10 nsenter --net="/run/netns/$EDGE" env LD_PRELOAD="$TOOLS/libfail_bpf.so" \
			FAIL_BPF_COMMAND="$command" FAIL_BPF_AT=1 FAIL_BPF_SIGNAL=9 "$SYNFWD"
		equal "$STATUS" 137 "status of synfwd, killed after its command $command"
		is_exempt $GATEWAY $CLIENT4 $CLIENT6
		is_exempt $OWN $EDGE4
		case $command in
		"$LOOKUP_BATCH") is_exempt $GATEWAY $OTHER4 ;;
		"$UPDATE_BATCH") is_exempt $GATEWAY $OTHER4 $THIRD4 ;;
		"$DELETE_BATCH") is_exempt $GATEWAY $THIRD4 && is_exempt none $OTHER4 ;;
		esac
		start
		soon $GATEWAY $THIRD4
		soon none $OTHER4
		stop
	done
}

test_calls_that_fail_are_made_again() {
	prepare
	apply plain
	ip -n "$EDGE" route add 198.51.100.0/24 via $OTHER4
	start env LD_PRELOAD="$TOOLS/libfail_bpf.so" FAIL_BPF_AT=1 FAIL_BPF_LAST=3 FAIL_BPF_ERRNO=12
	for _ in $(seq 100); do
		[ "$(kind_of $OTHER4)" = none ] || break
		sleep 0.2
	done
	is_exempt $GATEWAY $OTHER4
	grep -q "Cannot allocate memory" "$T/synfwd.err" || fail "synfwd does not say what failed"
	stop
}

test_second_instance_is_refused() {
	prepare
	start
	exits 4 on_edge "$SYNFWD"
	says "another synfwd"
	exits 0 synfw status --json
	json '.agent.running'
	stop
}

test_addresses_of_another_namespace_are_not_taken() {
	local before
	prepare
	apply plain
	before=$(exempt)
	start_elsewhere
	ip -n "$CLIENT" route add 198.51.100.0/24 via 192.0.2.77
	sleep 0.5
	equal "$(exempt)" "$before" "exempt addresses"
	stop
}

test_synfwd_tells_the_service_manager() {
	prepare
	python3 -c 'import os, socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(sys.argv[1])
server.settimeout(20)
seen = set()
while not {"READY=1", "WATCHDOG=1"} <= seen:
    seen |= set(server.recv(4096).decode().split())' "$T/notify" &
	local listener=$!
	while [ ! -S "$T/notify" ]; do sleep 0.02; done
	start sh -c 'WATCHDOG_PID=$$ exec env "$@"' sh NOTIFY_SOCKET="$T/notify" WATCHDOG_USEC=200000
	wait $listener || fail "READY=1 and WATCHDOG=1 did not come"
	stop
}

test_options_of_synfwd() {
	add_host "$EDGE"
	exits 0 on_edge "$SYNFWD" --help
	grep -q "^usage: synfwd" "$T/out" || fail "no help"
	exits 0 on_edge "$SYNFWD" --version
	grep -q "^synfwd [0-9]" "$T/out" || fail "no version"
	exits 2 on_edge "$SYNFWD" --nonsense
	says "--nonsense"
	exits 6 on_edge setpriv --bounding-set=-all --inh-caps=-all "$SYNFWD"
}

# ---- many ----------------------------------------------------------------------------------------

routes() { # FIRST LAST GATEWAY: LAST-FIRST routes, by one gateway or, without, each by its own
	local i
	for ((i = $1; i < $2; i++)); do
		echo "route add 100.$((64 + i / 65536)).$((i / 256 % 256)).$((i % 256))/32 via" \
			"${3:-10.$((i / 65536)).$((i / 256 % 256)).$((i % 256))} dev eth0 onlink"
	done | ip -n "$EDGE" -batch -
}

# More than any buffer of a socket holds: what synfwd could not be told it finds.
test_twenty_thousand_routes_by_one_gateway() {
	local before
	prepare
	apply plain
	start
	before=$(cpu_ms)
	routes 0 20000 $OTHER4
	soon $GATEWAY $OTHER4
	ip -n "$EDGE" route add 198.51.100.0/24 via $THIRD4
	soon $GATEWAY $THIRD4
	ip -n "$EDGE" route flush root 100.64.0.0/10
	soon none $OTHER4
	is_exempt $GATEWAY $THIRD4 $CLIENT4
	echo "synfwd used $(($(cpu_ms) - before)) ms"
	[ $(($(cpu_ms) - before)) -lt 1000 ] || fail "synfwd used $(($(cpu_ms) - before)) ms"
	status_says '.warnings == []'
	stop
}

test_more_gateways_than_there_is_room_for() {
	local own
	prepare
	routes 0 3000
	apply plain
	own=$(on_edge ip -json address | jq '[.[].addr_info[]] | length')
	says "there is room for 1024"
	says "and $own of this host's own"
	equal "$(exempt | wc -l)" 1024 "exempt addresses"
	is_exempt $GATEWAY $CLIENT4 $CLIENT6 10.0.0.0
	status_says '.warnings | any(contains("there is room for 1024"))'
	start
	for _ in $(seq 100); do
		[ ! -s "$T/synfwd.err" ] || break
		sleep 0.05
	done
	equal "$(grep -c "there is room for 1024" "$T/synfwd.err")" 1 "warnings of synfwd"
	ip -n "$EDGE" route flush root 100.64.0.0/10
	soon $OWN $EDGE4
	is_exempt none 10.0.0.0
	routes 0 1500
	soon $GATEWAY 10.0.0.0
	is_exempt $GATEWAY $CLIENT4
	stop
}
