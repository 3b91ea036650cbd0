#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# From a fresh Debian 12 to dropped telnet packets: scripts/demo.sh
#
# Builds synfw, makes an edge host and a client in two network namespaces joined by a cable, applies
# policies/edge-web.yaml on the edge, and shows what real traffic meets: with and without the policy,
# by which rule, and while the policy is replaced. Its rules on programs hold for this machine meanwhile. Ends
# with an error if anything is not as expected, and leaves nothing behind but the build directory.
set -euo pipefail

SOURCE=$(cd "$(dirname "$0")/.." && pwd)
. "$SOURCE/scripts/packages.sh"

BUILD=$SOURCE/build
SYNFW=$BUILD/agent/synfw
ID=synfw-demo-$$
EDGE=$ID-edge CLIENT=$ID-client
EDGE4=192.0.2.1 EDGE6=2001:db8::1
VISITOR4=192.0.2.2 VISITOR6=2001:db8::2
LISTED4=203.0.113.7 LISTED6=2001:db8:bad::7
ADMIN4=10.20.1.5
PINGS=3000 PING_INTERVAL=0.002 REQUESTS=1200 REQUESTS_PER_SECOND=200
MAX_APPLIES=500
WRONG=0

BOLD='' GREEN='' RED='' PLAIN=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	BOLD=$'\e[1m' GREEN=$'\e[32m' RED=$'\e[31m' PLAIN=$'\e[0m'
fi

say() { printf '\n%s%s%s\n' "$BOLD" "$*" "$PLAIN"; }

wrong() { # WORDS
	WRONG=$((WRONG + 1))
	printf '%snot as expected: %s%s\n' "$RED" "$*" "$PLAIN"
}

# ---- two hosts -----------------------------------------------------------------------------------

# `ip netns exec` would mount a new /sys, which hides the bpffs.
on() { # NAMESPACE COMMAND...
	local namespace=$1
	shift
	nsenter --net="/run/netns/$namespace" "$@"
}

synfw() { on "$EDGE" "$SYNFW" "$@"; }

clean_up() {
	local status=$? name
	set +e
	[ ! -d "${T:-}" ] || synfw detach >/dev/null 2>&1
	for name in "$EDGE" "$CLIENT"; do
		[ -e "/run/netns/$name" ] || continue
		ip netns pids "$name" | xargs -r kill -KILL
		ip netns delete "$name"
	done
	wait 2>/dev/null
	if [ -d "${T:-}" ]; then
		! mountpoint -q "$T/bpf" || umount "$T/bpf"
		rm -rf "$T"
	fi
	exit "$status"
}

add_host() { # NAMESPACE ADDRESS/LENGTH...
	local namespace=$1 address nodad
	shift
	# addresses are there at once: nobody else is on this cable
	on "$namespace" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad'
	# checksums and segments as on a wire, not left to a device that is none
	on "$namespace" ethtool -K eth0 tx off rx off tso off gso off >/dev/null
	ip -n "$namespace" link set lo up
	ip -n "$namespace" link set eth0 up
	for address; do
		case $address in *:*) nodad=nodad ;; *) nodad= ;; esac
		# shellcheck disable=SC2086 # a word or none
		ip -n "$namespace" address add "$address" dev eth0 $nodad
	done
}

make_hosts() {
	ip netns add "$EDGE"
	ip netns add "$CLIENT"
	ip link add name eth0 netns "$EDGE" type veth peer name eth0 netns "$CLIENT"
	add_host "$EDGE" $EDGE4/24 $EDGE6/64
	add_host "$CLIENT" $VISITOR4/24 $VISITOR6/64 $LISTED4/32 $LISTED6/128 $ADMIN4/32
	ip -n "$EDGE" route add 203.0.113.0/24 dev eth0
	ip -n "$EDGE" route add 10.20.0.0/16 dev eth0
	ip -n "$EDGE" route add 2001:db8:bad::/48 dev eth0
	nsenter --net="/run/netns/$EDGE" python3 "$SOURCE/scripts/demo_servers.py" "$T/listening" &
	disown	# it is ended with its host
	for _ in $(seq 100); do
		[ -e "$T/listening" ] && return
		sleep 0.1
	done
	echo "the servers of the edge host do not start" >&2
	exit 1
}

# ---- what is tried -------------------------------------------------------------------------------

try() { # HTTP|FTP|SSH|telnet|ping FROM TO: whether it works, with real programs
	local url=$3
	case $3 in *:*) url="[$3]" ;; esac
	case $1 in
	HTTP) on "$CLIENT" curl -sf --noproxy '*' --max-time 1 --interface "$2" "http://$url/" | grep -q hello ;;
	FTP) on "$CLIENT" nc -d -w 1 -s "$2" "$3" 21 2>/dev/null | grep -q 220 ;;
	SSH) on "$CLIENT" nc -d -w 1 -s "$2" "$3" 22 2>/dev/null | grep -q SSH ;;
	telnet) on "$CLIENT" nc -d -w 1 -s "$2" "$3" 23 2>/dev/null | grep -q login ;;
	ping) on "$CLIENT" ping -q -n -c 3 -i 0.2 -W 1 -I "$2" "$3" >/dev/null ;;
	*) echo "nobody knows how to try $1" >&2; exit 1 ;;
	esac
}

service_of() { # WHAT TO: as `synfw trace` names it
	case $1-$2 in
	HTTP-*) echo 80/tcp ;; FTP-*) echo 21/tcp ;; SSH-*) echo 22/tcp ;; telnet-*) echo 23/tcp ;;
	ping-*:*) echo echo-request/icmpv6 ;; ping-*) echo echo-request/icmp ;;
	esac
}

destination() { # TO SERVICE
	case $1 in *:*) echo "[$1]:$2" ;; *) echo "$1:$2" ;; esac
}

# All counters by name: rules, and in parentheses the reasons of what no rule decides.
counters() {
	{ synfw show rules --json; synfw status --json; } | jq -s '
		(.[0].rules | map({key: .name, value: .packets}) | from_entries) +
		(.[1].reasons | with_entries(.key = "(" + .key + ")"))'
}

number() { # NAME < COUNTERS
	jq --arg name "$1" '.[$name] // 0'
}

word() { if [ "$1" = 0 ]; then echo passed; else echo dropped; fi; }

row() { # MARK WHAT FROM BEFORE AFTER BY PACKETS
	printf '%s  %-7s %-17s %-10s %-10s %-19s %7s\n' "$@"
}

# One line of the table: WHAT FROM TO, what must become of it under the policy, and by what.
check() { # WHAT FROM TO passed|dropped BY
	local status=0 trace by packets before after before_policy=${WITHOUT[$1 $2]} mark=ok
	before=$(counters)
	try "$1" "$2" "$3" || status=$?
	after=$(counters)
	trace=$(synfw trace --from "$2" --to "$(destination "$3" "$(service_of "$1" "$3")")" --json) || true
	by=$(jq -r '.rule // "(" + .reason + ")"' <<<"$trace")
	packets=$(($(number "$by" <<<"$after") - $(number "$by" <<<"$before")))
	[ "$before_policy" = passed ] || mark=''
	[ "$(word $status)" = "$4" ] || mark=''
	[ "$(jq -r .verdict <<<"$trace")" = "$([ "$4" = passed ] && echo allow || echo drop)" ] || mark=''
	[ "$by" = "$5" ] || mark=''
	[ "$packets" -gt 0 ] || mark=''
	if [ -n "$mark" ]; then mark="$GREEN ok  $PLAIN"; else mark="$RED FAIL$PLAIN"; fi
	row "$mark" "$1" "$2" "$before_policy" "$(word $status)" "$by" "$packets"
	[ "$mark" = "$GREEN ok  $PLAIN" ] || wrong "$1 from $2 has to be $4 by $5, with packets to show"
}

CASES=(
	"HTTP $VISITOR4 $EDGE4 passed web"
	"HTTP $VISITOR6 $EDGE6 passed web"
	"telnet $VISITOR4 $EDGE4 dropped legacy-cleartext"
	"telnet $VISITOR6 $EDGE6 dropped legacy-cleartext"
	"FTP $VISITOR4 $EDGE4 dropped legacy-cleartext"
	"FTP $VISITOR6 $EDGE6 dropped legacy-cleartext"
	"ping $VISITOR4 $EDGE4 passed (icmp-essential)"
	"ping $VISITOR6 $EDGE6 passed (icmp-essential)"
	"HTTP $LISTED4 $EDGE4 dropped known-bad"
	"HTTP $LISTED6 $EDGE6 dropped known-bad"
	"SSH $ADMIN4 $EDGE4 passed (protected)"
	"SSH $VISITOR4 $EDGE4 dropped (default-drop)"
)

try_without_a_policy() {
	local case what from to
	declare -gA WITHOUT
	for case in "${CASES[@]}"; do
		read -r what from to _ <<<"$case"
		if try "$what" "$from" "$to"; then WITHOUT[$what $from]=passed; else
			WITHOUT[$what $from]=dropped
		fi
	done
}

show_table() {
	local case
	row '     ' WHAT FROM 'NO POLICY' 'EDGE-WEB' 'BY' PACKETS
	for case in "${CASES[@]}"; do
		# shellcheck disable=SC2086 # five words
		check $case
	done
}

# ---- replacing the policy under traffic ----------------------------------------------------------

program_id() { on "$EDGE" ip -json -details link show eth0 | jq '.[0].xdp.prog.id'; }

knock() { # tries telnet as long as the pings go on; prints whether it worked
	while kill -0 "$1" 2>/dev/null; do
		if try telnet $VISITOR4 $EDGE4; then echo passed; else echo dropped; fi
	done
}

begin_traffic() {
	on "$CLIENT" ping -q -n -c $PINGS -i $PING_INTERVAL -W 2 $EDGE4 >"$T/ping" 2>&1 &
	PING=$!
	on "$CLIENT" curl -sf --noproxy '*' --max-time 60 --rate $REQUESTS_PER_SECOND/s -o /dev/null \
		-w '%{http_code}\n' "http://$EDGE4/[1-$REQUESTS]" >"$T/http" 2>&1 &
	HTTP=$!
	knock $PING >"$T/telnet" &
	KNOCK=$!
}

# As long as the pings go on, one policy and the other in turn.
replace_policies() {
	local name=edge-web applies=0
	while kill -0 $PING 2>/dev/null && [ $applies -lt $MAX_APPLIES ]; do
		if [ $name = edge-web ]; then name=edge-web-2; else name=edge-web; fi
		synfw apply "$T/policies/$name.yaml" --json | jq .duration_ms
		applies=$((applies + 1))
	done >"$T/durations"
	synfw apply "$SOURCE/policies/edge-web.yaml" >/dev/null
}

judge_traffic() { # PROGRAM DROPPED: the program, and the packets to telnet dropped, before it
	local answered tried passed dropped
	wait $HTTP || wrong "an HTTP request failed"
	wait $PING || wrong "ping failed"
	wait $KNOCK
	answered=$(grep -c '^200$' "$T/http" || true)
	tried=$(grep -c . "$T/telnet" || true)
	passed=$(grep -c passed "$T/telnet" || true)
	dropped=$(($(counters | number legacy-cleartext) - $2))
	sort -n "$T/durations" | awk '{ms[NR] = $1} END {
		printf "%d policies put in force, in %d to %d ms each\n", NR, ms[1], ms[NR]}'
	grep -o '.*packet loss' "$T/ping" | sed 's/^/pings: /'
	echo "HTTP:  $REQUESTS requests, $answered answered"
	echo "telnet: $tried connections tried, $passed passed; $dropped packets dropped"
	echo "XDP program: $(program_id), before $1"
	[ "$(grep -c . "$T/durations")" -ge 4 ] || wrong "the policy was hardly replaced"
	grep -q "^$PINGS packets transmitted, $PINGS received" "$T/ping" || wrong "a ping was lost"
	[ "$answered" = $REQUESTS ] || wrong "an HTTP request was lost"
	[ "$tried" -gt 0 ] || wrong "telnet was not tried while the policy was replaced"
	[ "$passed" = 0 ] || wrong "telnet passed while the policy was replaced"
	# a connection that nobody dropped failed for another reason
	[ "$dropped" -ge "$tried" ] || wrong "telnet failed, and not by the policy"
	[ "$(program_id)" = "$1" ] || wrong "the program is another one"
}

replace_under_traffic() {
	local program dropped status=0
	program=$(program_id)
	dropped=$(counters | number legacy-cleartext)
	cp -r "$SOURCE/policies" "$T/policies"
	sed -e 's/^name: .*/name: edge-web-2/' -e '/^rules:/a\
  - {name: memcached, to: [11211/tcp, 11211/udp], action: drop}' \
		"$SOURCE/policies/edge-web.yaml" >"$T/policies/edge-web-2.yaml"
	synfw diff "$T/policies/edge-web-2.yaml" || status=$?
	[ $status = 1 ] || wrong "the two policies have to differ"
	begin_traffic
	replace_policies
	judge_traffic "$program" "$dropped"
}

# ---- the demo ------------------------------------------------------------------------------------

become_root "$@"
# one compiler is enough to build, and the tests are not run
# shellcheck disable=SC2034 # packages_install reads it
PACKAGES_BUILD=${PACKAGES_BUILD/clang-19/} PACKAGES_TEST=
packages_install
PATH=/usr/sbin:/sbin:$PATH	# not everybody's root has them
unset SSH_CONNECTION
T=$(mktemp -d /tmp/synfw-demo.XXXXXX)
export SYNFW_BPFFS=$T/bpf SYNFW_RUN_DIR=$T/run SYNFW_STATE_DIR=$T/state
trap clean_up EXIT
trap 'exit 130' INT TERM

say "building synfw in $BUILD"
[ -e "$BUILD/build.ninja" ] || meson setup "$BUILD" "$SOURCE" >"$T/log" || { cat "$T/log"; exit 1; }
ninja -C "$BUILD" agent/synfw >"$T/log" || { cat "$T/log"; exit 1; }
"$SYNFW" version

say "an edge host ($EDGE4, $EDGE6) and a client, joined by a cable"
make_hosts
try_without_a_policy

say "synfw apply policies/edge-web.yaml"
synfw apply "$SOURCE/policies/edge-web.yaml"

say "what the client meets"
show_table

say "the policy is replaced again and again while pings and HTTP requests go on"
replace_under_traffic

say "synfw show rules"
synfw show rules

say "synfw status"
synfw status

say "synfw detach"
synfw detach
try telnet $VISITOR4 $EDGE4 || wrong "telnet does not pass after detach"
[ ! -e "$SYNFW_BPFFS" ] || wrong "something is still pinned in $SYNFW_BPFFS"

if [ $WRONG = 0 ]; then
	printf '\n%sall as expected%s; nothing is left behind but %s\n' "$GREEN" "$PLAIN" "$BUILD"
else
	printf '\n%s%d things are not as expected%s\n' "$RED" $WRONG "$PLAIN"
	exit 1
fi
