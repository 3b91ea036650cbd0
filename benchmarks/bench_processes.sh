#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What rules on processes and memory cost those who do nothing that they name: bench_processes.sh BUILD
# Each figure is of two policies in turns, one with the rules and one without; the ratio is the median
# of the rounds' own, and its interval is of order statistics: of independent rounds, 6 at least, the
# median is in it with 95 % confidence, whatever their distribution. Many short rounds, as what a
# shared machine gives changes within seconds. Prints Markdown. Needs root. Everything it makes it
# removes. The rules name only programs in a directory of its own, but their hooks see the whole machine.
set -euo pipefail

BUILD=$(cd "$1" && pwd)
. "$(dirname "$0")/host.sh"
ROUNDS=${SYNFW_ROUNDS:-61}
[ "$ROUNDS" -ge 6 ] || { echo "of $ROUNDS rounds nothing can be told" >&2; exit 2; }
NARROW_ROUNDS=$((7 * ROUNDS)) # where the bar is 1 %
host_begin
ip -n "$HOST" address add 192.0.2.1/24 dev eth0
ip -n "$HOST" neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent
LOAD=$BUILD/benchmarks/process-load

policy() { # NAME: rules from standard input
	printf '%s\n' 'version: 1' "name: $1" 'interfaces: [{name: eth0}]' 'defaults: {incoming: allow}'
	cat
}

thousand_rules() {
	echo 'processes:'
	for i in $(seq 250); do
		printf '  - {name: exact-%d, exec: ["%s/bin-%d", "%s/sbin-%d"], action: flag}\n' "$i" "$T" "$i" "$T" "$i"
		printf '  - {name: below-%d, exec: ["%s/dir-%d/**"], user: [not root], action: flag}\n' "$i" "$T" "$i"
		printf '  - {name: called-%d, exec: ["**/synfw-bench-%d"], action: flag}\n' "$i" "$i"
		printf '  - {name: child-%d, exec: ["%s/tool-%d"], parent: ["%s/parent-%d"], args: ["-e"], action: flag}\n' \
			"$i" "$T" "$i" "$T" $((i % 200))
	done
}

# Both numbers are far beyond what the loads do, so no rule ever matches.
without_syscalls() {
	printf '%s\n' 'memory:' '  - {name: large, event: allocation, over: 64GiB, action: flag}' \
		'  - {name: growing, event: growth, over: 64GiB, within: 10s, action: flag}'
}

with_syscalls() {
	without_syscalls
	printf '  - {name: wx, event: wx-mapping, exec: ["%s/**"], action: flag}\n' "$T"
}

policy peers >"$T/peers.yaml" <<-E
	processes: [{name: talker, exec: $T/nothing, action: flag, peers: block 10m}]
E
policy talks >"$T/talks.yaml" <<-E
	process-scoring: {on-peer-block: flag}
E
policy none </dev/null >"$T/none.yaml"
thousand_rules | policy thousand >"$T/thousand.yaml"
without_syscalls | policy memory >"$T/memory.yaml"
with_syscalls | policy writable >"$T/writable.yaml"

put() { on_host taskset -c 0 "$SYNFW" apply "$T/$1.yaml" >/dev/null; } # POLICY

# What the kernel does with the policy before, it frees maps and programs, happens where the apply
# was: on the other CPU.
put_and_settle() { # POLICY
	put "$1"
	sleep 0.2
}

# Nanoseconds without and with, a line a round. Which comes first alternates.
rounds() { # POLICY LOAD...
	local policy=$1 i first second a b
	shift
	for i in $(seq "$ROUNDS"); do
		if [ $((i % 2)) = 0 ]; then first=none second=$policy; else first=$policy second=none; fi
		put_and_settle "$first"
		a=$(on_host taskset -c 1 "$LOAD" "$@")
		put_and_settle "$second"
		b=$(on_host taskset -c 1 "$LOAD" "$@")
		if [ $first = none ]; then echo "$a $b"; else echo "$b $a"; fi
	done
}

# What the kernel counts in the programs themselves, in ns: the median of five.
counted() { # POLICY LOAD...
	put_and_settle "$1"
	shift
	for _ in 1 2 3 4 5; do on_host taskset -c 1 "$LOAD" -p "$@"; done | sort -n | sed -n 3p
}

row() { # WHAT BAR|- POLICY LOAD...
	local what=$1 bar=$2
	shift 2
	rounds "$@" >"$T/rounds"
	counted "$@" >"$T/counted"
	sort -n -k1,1 "$T/rounds" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }' >"$T/without"
	awk '{ print $2 / $1 }' "$T/rounds" | sort -n |
		awk -v what="$what" -v bar="$bar" -v without="$(cat "$T/without")" -v counted="$(cat "$T/counted")" '
			{ ratio[NR] = $1 }
			END {
				low = int((NR - 1.96 * sqrt(NR)) / 2)
				low = low < 1 ? 1 : low
				cost = (ratio[int((NR + 1) / 2)] - 1) * 100
				printf "| %s | %.0f | %+.2f %%", what, without, cost
				least = (ratio[low] - 1) * 100
				most = (ratio[NR + 1 - low] - 1) * 100
				open = least <= bar && most > bar
				if (bar != "-")
					printf(" (at most %s %%: %s%s)", bar, cost <= bar ? "holds" : "**missed**",
						open ? ", by the median alone" : "")
				printf " | %+.2f to %+.2f %% | %.0f | %.2f %% |\n", least, most, counted, 100 * counted / without
			}'
}

echo
echo "Medians of $ROUNDS rounds; where the bar is 1 %, of $NARROW_ROUNDS."
echo
echo 'The last columns are what the kernel counts in the programs themselves, and a part of the first column.'
echo
echo '| what | without, ns | with the rules | 95 % confidence | in the programs, ns | of it |'
echo '|---|---|---|---|---|---|'
row 'start and end of /bin/true, 1,000 rules on processes' 3 thousand exec 200 /bin/true
ROUNDS=$NARROW_ROUNDS row 'system call, rules on allocation and growth' 1 memory syscalls 100000
ROUNDS=$NARROW_ROUNDS row '256 KiB taken, touched, given back, the same rules' 1 memory allocations 300
row 'system call, a rule on wx-mapping as well' - writable syscalls 400000
row '256 KiB taken, touched, given back, the same rules' - writable allocations 800
row 'datagram sent, `peers` in a rule on another program' - peers datagrams 150000 192.0.2.2
row 'datagram sent, `on-peer-block`' - talks datagrams 150000 192.0.2.2

# ---- from an exec to the reader of its event -----------------------------------------------------

EXECS=5000 # a turn
TURNS=5
IN_ROUND=500 # a percentile of many short rounds, as what a shared machine gives changes within seconds
cp /bin/true "$T/flagged"
printf '%s\n' 'logging: {limit: 1000000/s}' 'processes:' \
	"  - {name: flagged, exec: [$T/flagged], action: flag}" | policy flagged >"$T/flagged.yaml"
put flagged
mkfifo "$T/pipe"

# Both append for each round how many events were read, and in µs the median, the 99th percentile and the largest.
flag_and_read() {
	local result reader
	taskset -c 1 "$BUILD/benchmarks/event-latency" json $IN_ROUND <"$T/pipe" >>"$T/latency" &
	result=$!
	nsenter --net="/run/netns/$HOST" taskset -c 1 "$SYNFW" events -f --json >"$T/pipe" 2>"$T/errors" &
	reader=$!
	sleep 1
	taskset -c 0 "$LOAD" exec "$EXECS" "$T/flagged" >"$T/pace"
	sleep 1
	kill -INT "$reader"
	wait "$reader"
	wait "$result"
}

# The same way, but that no reader of synfw is in it: a line before each exec, through a process that copies
# lines.
tell_and_read() {
	local result
	taskset -c 1 "$BUILD/benchmarks/event-latency" json $IN_ROUND <"$T/pipe" >>"$T/told" &
	result=$!
	{ taskset -c 0 "$LOAD" told "$EXECS" /bin/true 3>&1 >/dev/null; } | taskset -c 1 cat >"$T/pipe"
	wait "$result"
}

for _ in $(seq $TURNS); do
	flag_and_read
	tell_and_read
done

nth_p99() { # FILE PERCENT: of the rounds' 99th percentiles
	awk '{ print $3 }' "$1" | sort -n | awk -v percent="$2" '
		{ p99[NR] = $1 }
		END { at = int((NR - 1) * percent / 100 + 0.5) + 1; print p99[at] }'
}

latency_row() { # WHAT FILE
	local percent
	printf '| %s | %s' "$1" "$(awk '{ print $2 }' "$2" | sort -n | sed -n "$((($(wc -l <"$2") + 1) / 2))p")"
	for percent in 0 25 50 75 100; do printf ' | %s' "$(nth_p99 "$2" $percent)"; done
	printf ' | %s |\n' "$(awk '{ print $4 }' "$2" | sort -n | tail -n 1)"
}

p99=$(nth_p99 "$T/latency" 50) told=$(nth_p99 "$T/told" 50)
echo
echo "From the exec of a program that is flagged to the moment that the reader of \`synfw events -f --json\`" \
	"has the event; $EXECS started one after the other, as fast as that goes ($(cut -d. -f1 "$T/pace") ns" \
	"each), in $TURNS turns with a line that is written before each exec and copied by \`cat\`, which is" \
	"what waking two readers takes on this machine. Of the 99th percentiles of rounds of $IN_ROUND the median" \
	"is $p99 µs (below 1000: $([ "$p99" -lt 1000 ] && echo holds || echo '**missed**')); that of the line: $told µs."
echo
echo "| | median, µs | p99 of a round, µs: least | a quarter below | median | three quarters below | most | largest, µs |"
echo '|---|---|---|---|---|---|---|---|'
latency_row synfw "$T/latency"
latency_row 'a line through cat' "$T/told"
awk -v execs=$((EXECS * TURNS)) '{ read += $1 } END { if (read != execs) print read " events are read of " execs
	exit read != execs }' "$T/latency" >&2
