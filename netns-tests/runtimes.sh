# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Programs that compile while they run, Debian's Node and Java, under policies/edge-web.yaml: nothing is held
# against them, and that is so because the policy makes exceptions of them. They run as www-data, as which
# nothing else runs here, so events of that user are theirs and their children's.

NODE=/usr/bin/node
JAVA=$(readlink -f /usr/bin/java || true)

of_package() { # FILE PATTERN: Debian's, and not one that somebody put there
	[ -x "$1" ] || fail "there is no program \"$1\": the package is not installed"
	dpkg -S "$1" 2>/dev/null | grep -q "^$2: " || fail "\"$1\" is of no package $2"
}

# In place of this shell, without the environment of whoever runs the ring.
become_www_data() { # COMMAND...
	exec nsenter --net="/run/netns/$EDGE" env -i PATH=/usr/bin:/bin CASE_ID="$CASE_ID" \
		setpriv --reuid www-data --regid www-data --clear-groups "$@"
}

# Starts both; they end with descriptors 7 and 8. Sets NODE_PID and JAVA_PID.
start_workloads() {
	local word
	rm -f "$T/node" "$T/java" "$T/node.in" "$T/java.in"
	mkfifo "$T/node.in" "$T/java.in"
	become_www_data "$NODE" "$T/public/workload.js" "$T/public" <"$T/node.in" >"$T/node" 2>&1 &
	NODE_PID=$!
	exec 7>"$T/node.in"
	# a heap that is larger than huge-allocation allows, on a machine of any size
	become_www_data "$JAVA" -Xmx3g "$T/public/Workload.java" "$T/public" <"$T/java.in" >"$T/java" 2>&1 &
	JAVA_PID=$!
	exec 8>"$T/java.in"
	for word in node java; do
		for _ in $(seq 600); do
			if grep -qs . "$T/$word"; then break; fi
			sleep 0.1
		done
		equal "$(cat "$T/$word")" ready "what the workload of $word says"
	done
}

end_workloads() {
	exec 7>&- 8>&-
	wait $NODE_PID || fail "node ended with $?"
	wait $JAVA_PID || fail "java ended with $?"
}

of_process() { # PID FILTER
	synfw show processes --json | jq -r --argjson pid "$1" ".processes[] | select(.pid == \$pid) | $2"
}

prepare() {
	of_package "$NODE" nodejs
	of_package "$JAVA" 'openjdk-[0-9]*-jre-headless:[a-z0-9]*'
	add_hosts
	chmod 711 "$T"
	mkdir "$T/public"
	cp "$SOURCE"/netns-tests/tools/{workload.js,Workload.java} "$T/public"
	chown -R www-data: "$T/public"
}

test_nothing_is_held_against_node_and_java() {
	local pid
	prepare
	exits 0 synfw apply "$SOURCE/policies/edge-web.yaml"
	start_workloads
	equal "$(of_process "$NODE_PID" .path) $(of_process "$JAVA_PID" .path)" "$NODE $JAVA" "what runs"
	for pid in $NODE_PID $JAVA_PID; do
		equal "$(of_process "$pid" '"\(.flagged) \(.isolated) \(.score)"')" "false false 0" \
			"whether process $pid is flagged, isolated, and its score"
		[ "$(of_process "$pid" .wx_mappings)" -gt 0 ] ||
			fail "process $pid made no mapping that an exception could be about"
		[ "$(of_process "$pid" .largest_request_bytes)" -gt $((2 << 30)) ] ||
			fail "process $pid made no request that an exception could be about"
	done
	end_workloads
	exits 0 synfw events --json
	equal "$(jq -s 'map(select(.uid == 33))' "$T/out")" "[]" "events of node, java and their children"
	equal "$(synfw status --json | jq .processes.tallies.process_events_lost)" 0 "events that were lost"
}

test_without_the_exceptions_they_are_seen() {
	prepare
	cp -r "$SOURCE/policies" "$T/policies"
	sed -i -e '/^      - \/usr\/bin\/node$/d' -e '/^      - "\/usr\/lib\/jvm\/\*\*"$/d' \
		-e 's|except: \[/usr/bin/node, "/usr/lib/jvm/\*\*", |except: [|' "$T/policies/edge-web.yaml"
	exits 1 diff "$SOURCE/policies/edge-web.yaml" "$T/policies/edge-web.yaml"
	equal "$(grep -c '^<' "$T/out")" 3 "lines with the exceptions"
	exits 0 synfw apply "$T/policies/edge-web.yaml"
	start_workloads
	equal "$(of_process "$NODE_PID" .flagged) $(of_process "$JAVA_PID" .flagged)" "true true" "flagged"
	end_workloads
	exits 0 synfw events --json
	equal "$(jq -r 'select(.uid == 33 and .action == "flag") | "\(.pid) \(.event) \(.rule) \(.path)"' "$T/out" |
		grep -E "^($NODE_PID|$JAVA_PID) " | sort -u)" "$(printf '%s\n' \
		"$NODE_PID allocation huge-allocation $NODE" \
		"$NODE_PID wx-mapping writable-and-executable $NODE" \
		"$JAVA_PID allocation huge-allocation $JAVA" \
		"$JAVA_PID wx-mapping writable-and-executable $JAVA" | sort -u)" "events"
}
