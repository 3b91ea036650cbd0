# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Very many processes at once, and very many executions: SYNFW_BOMB=PROCESSES,EXECS says how many,
# scripts/benchmark.sh 10,000 and 100,000. They end with the case, whatever becomes of it.

IFS=, read -r PROCESSES EXECS <<<"${SYNFW_BOMB:-2000,10000}"

tally() { synfw status --json | jq ".processes.tallies.$1"; } # NAME

matches() { synfw show rules --json | jq '.process_rules[] | select(.name == "bomb") | .matches'; }

held() { # FIELD: how many processes are flagged, or isolated, and by which rules
	synfw show processes --json |
		jq -c "[.processes[] | select(.$1)] | [length, ([.[].rule] | unique)]"
}

socket_of() { # PROGRAM, a copy of perl: what it is told that asks for a socket, "ok" or an errno
	# shellcheck disable=SC2016 # Perl's
	"$1" -MSocket -e 'print socket(my $socket, PF_INET, SOCK_DGRAM, 0) ? "ok" : $! + 0'
}

running() { # process ids; threads of the kernel run no file, and what has ended does not any more
	{ find /proc -mindepth 2 -maxdepth 2 -path '/proc/[0-9]*/exe' -lname '?*' -printf '%h\n' 2>/dev/null ||
		true; } | sed 's|/proc/||' | LC_ALL=C sort
}

# What differs between the table and what runs, and what began or ended meanwhile.
differences() {
	running >"$T/before"
	synfw show processes --json | jq -r '.processes[].pid' | LC_ALL=C sort >"$T/known"
	running >"$T/after"
	{ LC_ALL=C comm -12 "$T/before" "$T/after" | LC_ALL=C comm -23 - "$T/known" | sed 's/$/ is not known/'
		LC_ALL=C sort -u "$T/before" "$T/after" | LC_ALL=C comm -13 - "$T/known" |
			sed 's/$/ is known, and does not run/'; } | LC_ALL=C sort
}

# One that is lost, or left, is found each time.
table_is_what_runs() {
	local round
	differences >"$T/differ"
	for round in $(seq 20); do
		if [ ! -s "$T/differ" ]; then break; fi
		differences | LC_ALL=C comm -12 - "$T/differ" >"$T/differ.$round"
		mv "$T/differ.$round" "$T/differ"
	done
	[ ! -s "$T/differ" ] || { cat "$T/differ" >&2; fail "the table is not what runs"; }
}

test_every_exec_is_judged_and_every_process_forgotten() {
	local neighbour began told
	add_hosts
	mkdir "$T/bin"
	cp "$TOOLS/bomb_member" "$T/bin/bomb"
	cp /usr/bin/perl "$T/bin/free"
	policy bomb <<-E
		processes: [{name: bomb, exec: $T/bin/bomb, action: isolate, fallback: partial}]
	E
	sleep 3600 &
	neighbour=$!
	apply bomb
	table_is_what_runs
	equal "$(tally execs | grep -c .) $(tally processes_full) $(tally calls_refused)" "1 0 0" "tallies before"
	mkfifo "$T/gate"
	began=$(date +%s%N)
	"$TOOLS/bomb" "$T/bin/bomb" "$PROCESSES" "$EXECS" <"$T/gate" >"$T/said" 2>&1 &
	exec 7>"$T/gate"
	for _ in $(seq 4000); do
		if [ -s "$T/said" ]; then break; fi
		sleep 0.2
	done
	equal "$(cat "$T/said")" "$PROCESSES alive, $PROCESSES refused a socket" "what the bomb says"
	echo "$PROCESSES processes at once and $EXECS execs, in $((($(date +%s%N) - began) / 1000000)) ms"

	equal "$(matches)" "$EXECS" "matches"
	[ "$(tally execs)" -ge "$EXECS" ] || fail "only $(tally execs) execs were judged"
	equal "$(tally processes_full) $(tally unreadable)" "0 0" "processes without room, and not read"
	equal "$(tally calls_refused)" "$PROCESSES" "calls that were refused"
	equal "$(held flagged) $(held isolated)" "[$PROCESSES,[\"bomb\"]] [$PROCESSES,[\"bomb\"]]" \
		"processes that are held"
	exits 0 synfw why $neighbour --json
	json '.flagged == false and .isolated == false'
	equal "$(socket_of "$T/bin/free")" ok "what another process is told"
	exits 0 synfw events --json
	told=$(jq -s 'map(select(.rule == "bomb" and .action == "isolate")) | length' "$T/out")
	equal $((told + $(tally process_events_lost) + $(tally process_events_limited))) "$EXECS" \
		"events that were read, lost, and held back"

	exec 7>&-
	wait $! || fail "the bomb ended with $?"
	equal "$(tail -n 1 "$T/said")" gone "what the bomb says"
	equal "$(held flagged) $(held isolated)" "[0,[]] [0,[]]" "processes that are held"
	table_is_what_runs
	kill -0 $neighbour || fail "another process was killed"
	kill $neighbour
	equal "$(tally processes_full)" 0 "processes without room"
}
