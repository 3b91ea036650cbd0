# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Sourced by topics in which synfwd runs, on the edge.

SYNFWD=$BUILD/agent/synfwd

# Not by on_edge: a function in the background is a process of its own, and nsenter becomes what it runs.
start() { # [COMMAND...]: in front of synfwd
	nsenter --net="/run/netns/$EDGE" "$@" "$SYNFWD" 2>"$T/synfwd.err" &
	PID=$!
	for _ in $(seq 100); do
		[ "$(synfw status --json | jq .agent.running)" != true ] || return 0
		sleep 0.05
	done
	cat "$T/synfwd.err" >&2
	fail "synfwd does not run"
}

# Of the client's network namespace, which the policy in force is of no concern to: it says why it does nothing.
start_elsewhere() {
	nsenter --net="/run/netns/$CLIENT" "$SYNFWD" 2>"$T/synfwd.err" &
	PID=$!
	for _ in $(seq 100); do
		[ ! -s "$T/synfwd.err" ] || break
		sleep 0.05
	done
	grep -q "protects another network namespace" "$T/synfwd.err" || fail "synfwd does not say why"
}

# It serves a datapath, so that an apply may leave something to it: another one than that, if given.
serves() { # [DATAPATH]
	local end=$((${EPOCHREALTIME/./} + 5000000))
	while [ "$(datapath_served)" = "${1:-}" ]; do
		[ "${EPOCHREALTIME/./}" -lt $end ] || fail "after 5 seconds synfwd serves nothing"
		sleep 0.02
	done
}

datapath_served() { cat "$SYNFW_RUN_DIR/synfwd"; }

ends_with() { # STATUS
	local status=0
	wait "$PID" || status=$?
	[ "$status" = "$1" ] || cat "$T/synfwd.err" >&2
	equal "$status" "$1" "status that synfwd ended with"
}

stop() {
	kill -TERM "$PID"
	ends_with 0
}
