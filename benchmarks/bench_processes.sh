#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What rules on processes and memory cost those who do nothing that they name: bench_processes.sh BUILD
# Each figure is of two policies in turns, one with the rules and one without; the ratio is the median
# of the rounds' own, and its interval is of order statistics: of independent rounds, 6 at least, the
# median is in it with 95 % confidence, whatever their distribution. Many short rounds, as what a
# shared machine gives changes within seconds. Prints Markdown. Needs root. Everything it makes it
# removes. The memory rules are those of policies/, which hold for the whole machine: they flag, and give points,
# of which nothing comes as there is no process-scoring.
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

# The section `memory` of a policy that is shipped.
memory_of() { awk '/^[^ #]/ { on = /^memory:/ } on' "$(dirname "$0")/../policies/$1.yaml"; }

policy peers >"$T/peers.yaml" <<-E
	processes: [{name: talker, exec: $T/nothing, action: flag, peers: block 10m}]
E
policy talks >"$T/talks.yaml" <<-E
	process-scoring: {on-peer-block: flag}
E
policy none </dev/null >"$T/none.yaml"
thousand_rules | policy thousand >"$T/thousand.yaml"
memory_of monitor-first | policy memory >"$T/memory.yaml"
memory_of edge-web | policy writable >"$T/writable.yaml"

put() { # POLICY
	on_host taskset -c 0 "$SYNFW" apply "$T/$1.yaml" >/dev/null 2>"$T/told-by-apply" ||
		{ cat "$T/told-by-apply" >&2; return 1; }
}

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
ROUNDS=$NARROW_ROUNDS row 'system call, the memory rules of monitor-first.yaml' 1 memory syscalls 100000
ROUNDS=$NARROW_ROUNDS row '256 KiB taken, touched, given back, the same rules' 1 memory allocations 300
row 'system call, those of edge-web.yaml, with wx-mapping' - writable syscalls 400000
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

# Both append how many events were read, and in µs the median, the 99th percentile and the largest: of each
# round, and of all.
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

# Of all events of a turn a line of four fields, of each round one more with "round" before it.
turns() { grep -hv round "$@"; } # FILE...

rounds_of() { grep round "$1" | cut -d' ' -f2-; } # FILE

nth() { # FIELD PERCENT: of a field of the lines of standard input
	sort -n -k"$1,$1" | awk -v field="$1" -v percent="$2" '
		{ value[NR] = $field }
		END { at = int((NR - 1) * percent / 100 + 0.5) + 1; print value[at] }'
}

p99=$(turns "$T/latency" | nth 3 50) told=$(turns "$T/told" | nth 3 50)
echo
echo "From the exec of a program that is flagged to the moment that the reader of \`synfw events -f --json\`" \
	"has the event; $EXECS started one after the other, as fast as that goes ($(cut -d. -f1 "$T/pace") ns" \
	"each), in $TURNS turns with a line that is written before each exec and copied by \`cat\`, which is" \
	"what waking two readers takes on this machine. The median of the turns' 99th percentiles is $p99 µs" \
	"(below 1000: $([ "$p99" -lt 1000 ] && echo holds || echo '**missed**')), that of the line $told µs."
echo
echo '| | events read | median, µs | p99, µs | largest, µs |'
echo '|---|---|---|---|---|'
turns "$T/latency" | awk '{ print "| synfw | " $1 " | " $2 " | " $3 " | " $4 " |" }'
turns "$T/told" | awk '{ print "| a line through cat | " $1 " | " $2 " | " $3 " | " $4 " |" }'
echo
echo "The same events in rounds of $IN_ROUND: the 99th percentile of each. A host that takes a processor away does so" \
	"for milliseconds at a time, so that it moves some rounds, and all turns."
echo
echo '| | least, µs | a quarter below | half | three quarters | most |'
echo '|---|---|---|---|---|---|'
for what in latency:synfw 'told:a line through cat'; do
	printf '| %s' "${what#*:}"
	for percent in 0 25 50 75 100; do printf ' | %s' "$(rounds_of "$T/${what%%:*}" | nth 3 $percent)"; done
	echo ' |'
done
turns "$T/latency" "$T/told" | awk -v execs="$EXECS" '$1 != execs { print $1 " events are read of " execs; lost = 1 } END { exit lost }' >&2
