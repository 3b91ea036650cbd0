#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Hostile sources that try 20 ports in 10 s over a veth in a namespace of its own: from the packet that
# crosses the threshold to the first one that is dropped, and from the end of the block to the first that
# passes, with no process of synfw: bench_block.sh BUILD
# Prints Markdown. Needs root. Everything it makes it removes.
set -euo pipefail

BUILD=$(cd "$1" && pwd)
. "$(dirname "$0")/host.sh"
SOURCES=20 PORTS=20 BLOCK_S=2
host_begin

# the ports of a source are tried within less than the window
printf '%s\n' 'version: 1' 'name: hostile' 'interfaces: [{name: eth0}]' 'defaults: {incoming: allow}' \
	"scoring: {flag-at: 50, drop-at: 100, decay: 6000/min, block-for: ${BLOCK_S}s}" \
	"rules: [{name: ports, proto: udp, distinct-ports: {over: $((PORTS - 1)), within: 10s}, score: 100}]" \
	>"$T/hostile.yaml"
on_host "$SYNFW" apply "$T/hostile.yaml" >/dev/null
on_host "$BUILD/benchmarks/time-to-block" peer eth0 $SOURCES $PORTS 9500 ${BLOCK_S}000 >"$T/times"
on_host "$SYNFW" events --json >"$T/events"
flagged=$(jq -s 'map(select(.kind == "flag")) | length' "$T/events")
blocked=$(jq -s 'map(select(.kind == "block")) | length' "$T/events")
[ "$flagged $blocked" = "$SOURCES $SOURCES" ] ||
	{ echo "$flagged sources are flagged and $blocked blocked, of $SOURCES" >&2; exit 1; }

# ---- the page ------------------------------------------------------------------------------------

of_column() { # COLUMN median|largest
	awk -v column="$1" '{ print $column }' "$T/times" | sort -n |
		awk -v what="$2" '{ value[NR] = $1 }
			END { print what == "median" ? value[int((NR + 1) / 2)] : value[NR] }'
}
row() { # WHAT COLUMN BAR
	local largest
	largest=$(of_column "$2" largest)
	printf '| %s | %s | %s (at most %s: %s) |\n' "$1" "$(of_column "$2" median)" "$largest" "$3" \
		"$(awk "BEGIN { print $largest <= $3 ? \"holds\" : \"**missed**\" }")"
}
smallest=$(awk '{ print $2 }' "$T/times" | sort -n | head -1)
awk "BEGIN { exit !($smallest >= -1000) }" ||
	{ echo "a source was unblocked $smallest µs too early" >&2; exit 1; }

echo
echo "$SOURCES sources, $PORTS ports each within 9.5 s; all are flagged and blocked, by one packet each. Packets" \
	"of the source go on, one in 20 µs, and later one a millisecond until it arrives."
echo
echo '| µs | median | largest |'
echo '|---|---|---|'
row 'from the packet that crosses to the first that is dropped (0: the same one)' 1 1000
row "from the end of its block of $BLOCK_S s to the first packet that passes, with no process of synfw" 2 1000000
