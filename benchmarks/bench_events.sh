#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Events from the packet to their reader, over a veth in a namespace of its own: bench_events.sh BUILD
# `synfw events -f --json` into a pipe, and a reader that does nothing else than to read the ring buffer.
# Packets come in on one CPU, what reads has the other. Prints Markdown. Needs root and two CPUs. Everything it makes it removes.
set -euo pipefail

BUILD=$(cd "$1" && pwd)
. "$(dirname "$0")/host.sh"
METER=$BUILD/benchmarks/event-latency
RATES=(10000 50000)
SECONDS_EACH=10
host_begin

printf '%s\n' 'version: 1' 'name: events' 'interfaces: [{name: eth0}]' 'defaults: {incoming: allow}' \
	'logging: {events: [drop], sample: 1/1, limit: 1000000/s}' \
	'rules: [{name: flood, to: 9/udp, action: drop}]' >"$T/events.yaml"
on_host "$SYNFW" apply "$T/events.yaml" >/dev/null
RING=$(find "$T/bpf" -name synfw_events)
mkfifo "$T/pipe"

# Each sets READER, which ends by SIGINT, and RESULT, which then has ended.
begin_synfw() {
	taskset -c 1 "$METER" json <"$T/pipe" >"$T/result" &
	RESULT=$!
	nsenter --net="/run/netns/$HOST" taskset -c 1 "$SYNFW" events -f --json >"$T/pipe" 2>"$T/errors" &
	READER=$!
}
begin_ring() {
	taskset -c 1 "$METER" ring "$RING" >"$T/result" &
	READER=$! RESULT=$!
}

tally() { on_host "$SYNFW" status --json | jq ".tallies.events_$1"; }

declare -A SENT READ MEDIAN P99 LARGEST LOST LIMITED PACE
run() { # READER RATE
	local case=$1:$2 lost limited
	lost=$(tally lost) limited=$(tally limited)
	"begin_$1"
	sleep 1
	read -r "SENT[$case]" "PACE[$case]" < <(on_host taskset -c 0 "$METER" send peer "$2" "$SECONDS_EACH")
	sleep 1
	kill -INT "$READER"
	wait "$READER"
	wait "$RESULT"
	read -r "READ[$case]" "MEDIAN[$case]" "P99[$case]" "LARGEST[$case]" <"$T/result"
	LOST[$case]=$(($(tally lost) - lost)) LIMITED[$case]=$(($(tally limited) - limited))
}
for rate in "${RATES[@]}"; do
	for reader in synfw ring; do run "$reader" "$rate"; done
done

# ---- the page ------------------------------------------------------------------------------------

# shellcheck disable=SC2016 # it is Markdown
declare -A TITLE=([synfw]='`synfw events -f --json`' [ring]='a reader of the ring buffer')
latency() { # P99 RATE: the bar is about 10,000 a second
	if [ "$2" != 10000 ]; then echo "$1"
	elif [ "$1" -lt 1000 ]; then echo "$1 (below 1000: holds)"
	else echo "$1 (below 1000: **missed**)"; fi
}
accounted() { # CASE RATE
	if [ $((READ[$1] + LOST[$1] + LIMITED[$1])) != "${SENT[$1]}" ]; then echo '**missed**'
	elif [ "$2" = 50000 ] && [ "${LOST[$1]}" != 0 ]; then echo 'holds: lost ones are counted'
	else echo 'holds'; fi
}

echo
echo "Dropped packets, paced for $SECONDS_EACH s, each an event; from the time in the event to the moment that its reader has it. Packets come in on one CPU, what reads has the other."
echo
echo '| reader | packets a second | sent | median, µs | p99, µs | largest, µs | read | lost | held back by the limit | all are read or counted |'
echo '|---|---|---|---|---|---|---|---|---|---|'
for rate in "${RATES[@]}"; do
	for reader in synfw ring; do
		case=$reader:$rate
		printf '| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n' "${TITLE[$reader]}" \
			"${PACE[$case]}" "${SENT[$case]}" "${MEDIAN[$case]}" \
			"$(latency "${P99[$case]}" "$rate")" "${LARGEST[$case]}" "${READ[$case]}" \
			"${LOST[$case]}" "${LIMITED[$case]}" "$(accounted "$case" "$rate")"
	done
done
