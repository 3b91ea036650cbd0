# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# What the cases of the netns ring are made of. A case runs in a shell of its own with an edge host
# and a client in two network namespaces, a bpffs of its own, and nothing else of this machine. It
# sees synfw as a user does: through the built binary.
#
# `nsenter --net=` and not `ip netns exec`, which mounts a new /sys and so hides the bpffs.

# From the runner: BUILD (build directory), SOURCE (of the project), CASE_ID (unique word).
SYNFW=$BUILD/agent/synfw
TOOLS=$BUILD/netns-tests
EDGE=$CASE_ID-edge
CLIENT=$CASE_ID-client

EDGE4=192.0.2.1 CLIENT4=192.0.2.2
EDGE6=2001:db8::1 CLIENT6=2001:db8::2

# ---- what a case leaves behind: nothing ----------------------------------------------------------

case_begin() {
	set -euo pipefail
	T=$(mktemp -d "/tmp/$CASE_ID.XXXXXX")
	trap case_end EXIT
	trap 'exit 143' TERM INT
	mkdir "$T/bpf" "$T/run" "$T/state"
	mount -t bpf -o mode=700 "$CASE_ID" "$T/bpf"
	export SYNFW_BPFFS=$T/bpf/synfw SYNFW_RUN_DIR=$T/run SYNFW_STATE_DIR=$T/state
	unset SSH_CONNECTION
}

case_end() {
	local status=$? name
	set +e
	trap '' TERM INT
	for name in $(ip netns list 2>/dev/null | cut -d' ' -f1); do
		case $name in
		"$CASE_ID"-*)
			ip netns pids "$name" | xargs -r kill -KILL
			ip netns delete "$name"
			;;
		esac
	done
	# shellcheck disable=SC2046 # process ids are words
	[ -z "$(jobs -p)" ] || kill -KILL $(jobs -p) 2>/dev/null
	wait
	umount "$T/bpf"
	rm -rf "$T"
	exit "$status"
}

# ---- hosts ---------------------------------------------------------------------------------------

on() { # NAMESPACE COMMAND...
	local namespace=$1
	shift
	nsenter --net="/run/netns/$namespace" "$@"
}

on_edge() { on "$EDGE" "$@"; }
on_client() { on "$CLIENT" "$@"; }
synfw() { on_edge "$SYNFW" "$@"; }

# A host that says nothing by itself: without IPv6 no multicast reports disturb exact counts. What
# XDP and the sockets of the tools see does not depend on it.
add_host() { # NAMESPACE
	ip netns add "$1"
	on "$1" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
	ip -n "$1" link set lo up
}

# Frames stay as they were sent: no tags and checksums in metadata, where XDP does not see them.
plug() { # NAMESPACE INTERFACE
	on "$1" ethtool -K "$2" tx off rx off txvlan off rxvlan off gso off tso off >/dev/null
	ip -n "$1" link set "$2" up
}

join() { # INTERFACE CLIENT_NAMESPACE: a cable from INTERFACE of the edge to eth0 of the client
	ip link add name "$1" netns "$EDGE" type veth peer name eth0 netns "$2"
	plug "$EDGE" "$1"
	plug "$2" eth0
}

add_addresses() { # NAMESPACE INTERFACE ADDRESS/LENGTH...
	local namespace=$1 interface=$2 address
	shift 2
	for address; do
		case $address in
		*:*) ip -n "$namespace" address add "$address" dev "$interface" nodad ;;
		*) ip -n "$namespace" address add "$address" dev "$interface" ;;
		esac
	done
}

mac_of() { # NAMESPACE INTERFACE
	ip -n "$1" -o link show "$2" | sed -n 's|.* link/ether \([^ ]*\) .*|\1|p'
}

add_hosts() { # edge and client, joined by eth0 and eth0
	add_host "$EDGE"
	add_host "$CLIENT"
	join eth0 "$CLIENT"
	add_addresses "$EDGE" eth0 $EDGE4/24
	add_addresses "$CLIENT" eth0 $CLIENT4/24
}

add_ipv6() { # to both hosts, as real programs need it
	local namespace
	for namespace in "$EDGE" "$CLIENT"; do
		on "$namespace" sh -c 'cd /proc/sys/net/ipv6/conf && echo 0 >eth0/accept_dad &&
			echo 0 >eth0/accept_ra && echo 0 >eth0/disable_ipv6'
	done
	add_addresses "$EDGE" eth0 $EDGE6/64
	add_addresses "$CLIENT" eth0 $CLIENT6/64
}

add_neighbours() { # and nobody has to ask for them
	ip -n "$CLIENT" neighbour replace $EDGE4 lladdr "$(mac_of "$EDGE" eth0)" dev eth0 nud permanent
	ip -n "$EDGE" neighbour replace $CLIENT4 lladdr "$(mac_of "$CLIENT" eth0)" dev eth0 nud permanent
}

# ---- claims --------------------------------------------------------------------------------------

fail() {
	printf 'failed: %s\n' "$*" >&2
	local frame=1
	while caller $frame >&2; do frame=$((frame + 1)); done
	exit 1
}

# Nothing is not compared with nothing: it is what a command that failed has said.
equal() { # GOT EXPECTED WHAT
	[ -n "$1$2" ] || fail "$3: there is nothing to compare"
	[ "$1" != "$2" ] || return 0
	case $1$2 in
	*$'\n'*)
		diff <(echo "$2") <(echo "$1") | head -n 40 >&2 || true
		fail "$3: not as expected"
		;;
	esac
	fail "$3: got \"$1\", expected \"$2\""
}

run() { # COMMAND...: sets STATUS, and leaves what it printed in the files $T/out and $T/err
	STATUS=0
	"$@" >"$T/out" 2>"$T/err" || STATUS=$?
}

exits() { # STATUS COMMAND...
	local expected=$1
	shift
	run "$@"
	[ "$STATUS" = "$expected" ] && return
	cat "$T/out" "$T/err" >&2
	fail "\"$*\" exited with $STATUS, expected $expected"
}

says() { # WORDS: the last command wrote them on stderr
	[ -n "$1" ] || fail "no words to look for"
	grep -qF -- "$1" "$T/err" || { cat "$T/err" >&2; fail "stderr does not say \"$1\""; }
}

warns_of_nothing() { # the last command wrote nothing on stderr
	[ ! -s "$T/err" ] || { cat "$T/err" >&2; fail "stderr is not empty"; }
}

# jq succeeds without input, looks at the last of several results only, and takes "no" for true.
json() { # FILTER: the last command printed JSON, and the jq filter is true of each object
	[ -s "$T/out" ] || fail "there is no output of which \"$1\" could be true"
	jq -es "[.[] | [$1]] | length > 0 and all(.[]; length > 0 and all(. == true))" \
		"$T/out" >/dev/null || { cat "$T/out" >&2; fail "not true of the output: $1"; }
}

# ---- policies ------------------------------------------------------------------------------------

policy() { # NAME: writes $T/NAME.yaml from stdin, for eth0 unless stdin says something else
	local body
	body=$(cat)
	{
		printf 'version: 1\nname: %s\n' "$1"
		grep -q '^interfaces:' <<<"$body" || printf 'interfaces: [{name: eth0}]\n'
		printf '%s\n' "$body"
	} >"$T/$1.yaml"
}

apply() { # NAME [OPTION...]
	local name=$1
	shift
	exits 0 synfw apply "$T/$name.yaml" "$@"
}

rule() { # NAME [FIELD]: a counter of a rule of the policy in force
	synfw show rules --json |
		jq --arg name "$1" --arg field "${2:-packets}" \
			'.rules[] | select(.name == $name) | .[$field]'
}

reason() { # WORD
	synfw status --json | jq --arg word "$1" '.reasons[$word]'
}

of_interface() { # NAME FIELD
	synfw status --json |
		jq -r --arg name "$1" --arg field "$2" \
			'.interfaces[] | select(.name == $name) | .[$field]'
}

live_policy() { synfw status --json | jq -r '.policy.name // "none"'; }

# Everything that is pinned in the case's bpffs, in words; "nothing" without any pin. The kernel
# itself puts two files into every bpffs.
state() {
	local pin found=no
	mountpoint -q "$T/bpf" || fail "the bpffs is gone"
	for pin in "$T"/bpf/*; do
		case $pin in *.debug | "$T/bpf/*") continue ;; esac
		"$TOOLS/bpf_state" "$pin" || fail "\"$pin\" cannot be read"
		found=yes
	done
	[ $found = yes ] || echo nothing
}

# ---- traffic -------------------------------------------------------------------------------------

traffic() { # COUNT PACKET [INTERFACE [CLIENT_NAMESPACE]]: how many frames were sent, and arrived
	"$TOOLS/frames" --from "${4:-$CLIENT}/eth0" --to "$EDGE/${3:-eth0}" --count "$1" "$2"
}

passes() { # COUNT PACKET [INTERFACE [CLIENT_NAMESPACE]]
	equal "$(traffic "$@")" "$1 $1" "frames of $2 that were sent, and that pass"
}

drops() { # COUNT PACKET [INTERFACE [CLIENT_NAMESPACE]]
	equal "$(traffic "$@")" "$1 0" "frames of $2 that were sent, and that pass"
}

# ---- processes -----------------------------------------------------------------------------------

add_programs() { # that rules may name: copies, in $T/bin
	local name
	mkdir "$T/bin"
	for name in bad good other; do cp /usr/bin/touch "$T/bin/$name"; done
	cp /usr/bin/perl "$T/bin/net"
	cp /bin/sh "$T/bin/shell"
	cp /bin/sleep "$T/bin/waits"
}

apply_processes() { # RULES [YAML]: applies a policy "live" with rules on processes, and what stands behind them
	policy live <<-E
		processes:
		$(sed 's/^[[:space:]]*/  /' <<<"$1")
		${2:-}
	E
	apply live
}

process_rule() { # NAME [FIELD]: a counter of a rule on processes or memory of the policy in force
	synfw show rules --json |
		jq --arg name "$1" --arg field "${2:-matches}" \
			'.process_rules[] | select(.name == $name) | .[$field]'
}

process_pins() { (cd "$T/bpf" && find . -path '*/process*' -type f | sed 's|.*/||' | LC_ALL=C sort); }
process_hooks() { process_pins | sed -n 's/^link-//p' | paste -sd' '; }

runs() { # PROGRAM: it did what it was executed for
	rm -f "$T/made"
	"$T/bin/$1" "$T/made" || fail "$1 ended with $?"
	[ -e "$T/made" ] || fail "$1 ran and made no file"
}

is_killed() { # PROGRAM: before its first instruction
	local status=0
	rm -f "$T/made"
	"$T/bin/$1" "$T/made" 2>/dev/null || status=$?
	equal "$status" 137 "status of $1"
	[ ! -e "$T/made" ] || fail "$1 made a file before it was killed"
}

# A process that does what it is told, a line of perl at a time. work LINE waits until it is done; once
# the process is gone it fails.
begin_work() {
	mkfifo "$T/work"
	"$T/bin/net" -MSocket -e '$| = 1; open F, "<", $ARGV[0] or die; while (<F>) { eval; print "done\n"; }' \
		"$T/work" >"$T/worked" &
	WORKER=$!
	exec 8>"$T/work"
}

work() { # LINE
	local before i
	before=$(grep -c '^done$' "$T/worked") || true
	echo "$1" >&8
	for i in $(seq 300); do
		[ "$(grep -c '^done$' "$T/worked")" = "$before" ] || return 0
		[ -e /proc/$WORKER/exe ] || return 1
		sleep 0.1
	done
	fail "\"$1\" was not done within 30 s"
}

# What the last work has printed.
said() { tail -n 2 "$T/worked" | head -n 1; }

end_work() {
	exec 8>&-
	wait $WORKER
}
