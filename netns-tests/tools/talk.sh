# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Hosts with real sockets, driven by tools/talk.py, and two policies: "open", which tracks no connections,
# and "strict", under which nothing passes but what belongs to one. For connections.sh and tracking.sh.

# shellcheck disable=SC2034 # used by the topics
DNS=53 SERVER=5000

begin_talk() { # talk COMMAND... then prints the answer of tools/talk.py
	coproc TALK { exec python3 "$SOURCE/netns-tests/tools/talk.py"; }
	exec 7>&"${TALK[1]}" 8<&"${TALK[0]}"
}

talk() {
	local answer
	echo "$*" >&7
	read -r -t 600 answer <&8 || fail "no answer to \"$*\""
	echo "$answer"
}

says_ok() { equal "$(talk "$@")" ok "$*"; }
reaches() { equal "$(talk reaches "$@")" yes "reaches $*"; }

prepare() { # [DEFAULTS]
	add_hosts
	add_ipv6
	add_neighbours
	begin_talk
	policy open <<<"defaults: {incoming: allow}"
	policy strict <<-E
		defaults: {incoming: drop, established: allow, icmp: rules${1:+, $1}}
		rules:
		  - {name: discovery, icmp: [neighbour-solicitation, neighbour-advertisement], action: allow}
		  - {name: errors, icmp: destination-unreachable, action: drop}
		  - {name: server, to: 8080/tcp, action: allow}
	E
}

flows() { synfw show flows --json | jq "[.flows[] | select($1)] | length"; }

# What cannot be read is no count. Without clsact tc refuses to list filters.
egress_filters() { # INTERFACE: how many filters of synfw are there
	local all
	if [ "$(qdiscs "$1")" = 0 ]; then
		echo 0
		return
	fi
	all=$(on_edge tc filter show dev "$1" egress) || fail "cannot list the filters of $1"
	grep -c 'synfw_egress' <<<"$all" || true
}

qdiscs() { # [INTERFACE]
	local all
	all=$(on_edge tc qdisc show dev "${1:-eth0}") || fail "cannot list the qdiscs of ${1:-eth0}"
	grep -c clsact <<<"$all" || true
}

connected() { # prints the edge's port
	local port
	says_ok listen there "$CLIENT" $CLIENT4 $SERVER >&2
	port=$(talk connect here "$EDGE" $EDGE4 $CLIENT4 $SERVER)
	says_ok accept peer there >&2
	echo "$port"
}
