# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by run.sh: the files of a guest, an initramfs. Programs come from this machine, with the
# libraries that they need, and are in the guest where they are here.

ROOT=$WORK/root

# What guest.sh and the cases of the netns ring call. An exec of a program with libraries takes 60 ms
# and more where the processor is emulated, that of busybox, which has none, 15: it is what it can be.
# Not so what cases copy, what is asked for options that it does not know, and what executes others:
# where busybox does that, it takes itself for "ip".
TOOLS="bash busybox env ethtool ip jq mountpoint nsenter setpriv sh timeout touch true"
APPLETS="awk basename cat chmod cp cut date diff dirname false find grep head id kill ln ls mkdir
	mktemp mount mv nproc readlink rm rmdir sed sleep sort stat tail tee tr
	umount uniq wc xargs"

# Cases of the netns ring that together are a short life of synfw: apply, what is dropped and what
# is not, what status and the counters say, a policy after a policy, a rule that denies, detach. Each
# takes 10 to 20 s here, so they are few, and each is run on one kernel only. On each the first process
# (guest.sh) applies a policy that isolates and denies: on 6.1 by BPF LSM, on 6.12 by fmod_ret.
NETNS_CASES="counters:survive_a_reload_by_name"
NETNS_CASE_DENY="processes-deny:deny_fails_the_exec_or_is_refused"         # on 6.1
NETNS_CASE_ISOLATE="processes-deny:isolation_without_accept_is_refused" # on 6.12

# Programs of the bpf ring that are not run in guests. The first three ask no kernel; the others are
# about data that is not part of the project.
NOT_HERE='["abi-layout", "sets", "over-time", "classbench-data", "lists", "pcap"]'

pack() { # DIRECTORY: as a cpio archive on stdout
	(cd "$1" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0)
}

# FILE...: with the libraries that they need, without what only a debugger reads: a guest unpacks all
# of it before it begins.
copy() {
	local file copied=()
	for file in "$@" $(ldd "$@" 2>/dev/null | grep -o '/[^ :]*\.so[^ :]*' | sort -u); do
		[ ! -e "$ROOT$file" ] || continue
		mkdir -p "$ROOT$(dirname "$file")" && cp -L "$file" "$ROOT$file" || return
		copied+=("$ROOT$file")
	done
	[ ${#copied[@]} = 0 ] || strip --strip-debug "${copied[@]}" ||
		echo "not all of it: what is no program stays as it is"
}

copy_tools() {
	local applets name path=()
	applets=$(busybox --list) || return
	for name in $APPLETS; do
		grep -qx "$name" <<<"$applets" || { echo "busybox has no $name"; return 1; }
		ln -s busybox "$ROOT/usr/bin/$name"
	done
	for name in $TOOLS; do
		path+=("$(type -P "$name")") || { echo "there is no program $name"; return 1; }
	done
	copy "${path[@]}"
}

# The bpf ring as Meson knows it, so that a program which is added to it runs here, too. What test_verdicts
# runs is one test here, as to load the packet programs takes 4 s.
bpf_tests() {
	meson introspect --tests "$BUILD" | jq -r --argjson not_here "$NOT_HERE" '
		def line: @sh "run_test 0 \("bpf: " + .name) \(.cmd)";
		[.[] | select(.suite | any(endswith(":bpf"))) | select(.name | IN($not_here[]) | not)] |
		group_by(.cmd[0] | endswith("/test_verdicts")) | .[0] as $single | .[1] as $verdicts |
		({name: "verdicts", cmd: ($verdicts[0].cmd[:1] + [$verdicts[].cmd[1:][]])}, $single[]) | line'
}

# The lines of /tests.ring: commands of guest.sh. Random tests have one seed, another each time, which
# they tell of: the fixed one is the bpf ring's on this machine.
all_tests() {
	local other
	echo "export SYNFW_EMULATED=1 SYNFW_BPF_LSM=1 SYNFW_REFUSES_BY=lsm SYNFW_CHECKS=$CHECKS SYNFW_SEQUENCES=$SEQUENCES" \
		"SYNFW_SEED=${SYNFW_SEED:-$SRANDOM}"
	bpf_tests || return
	for other in "${OTHERS[@]}"; do
		echo "run_test 0 'bpf: verifier, $(basename "$other")' '$other/tests/bpf/test_verifier'"
	done
	# shellcheck disable=SC2086 # words are what is wanted
	echo "on 6.12 run_netns '$SOURCE' '$BUILD'" $NETNS_CASES
	echo "run_test 0 'lsm: a program denies an exec' lsm_deny /denied /neighbour"
	echo "run_test 0 'lsm: rules on processes deny an exec'" \
		"process_deny '$BUILD/tests/bpf/test_first_action' lsm"
	echo "run_test 0 'lsm: there is no way around a rule that denies'" \
		"'$BUILD/tests/bpf/test_process_paths' '$BUILD/tests/bpf/test_first_action' lsm"
	echo "run_test 0 'lsm: nor by mounts'" \
		"'$BUILD/tests/bpf/test_process_mounts' '$BUILD/tests/bpf/test_first_action' lsm"
	echo "run_test 0 'lsm: rules on writable and executable pages'" \
		"'$BUILD/tests/bpf/test_process_memory' '$BUILD/tests/bpf/test_first_action' lsm"
	echo "run_test 0 'lsm: an isolated process has no network'" \
		"process_isolate '$BUILD/tests/bpf/test_first_action' lsm"
	echo "on 6.1 run_first '$BUILD/agent/synfw'"
	echo "run_test 7 'lsm: programs that the kernel refuses are told from others'" \
		"setpriv --reuid 65534 lsm_deny /denied /neighbour"
}

# The lines of /tests.unlisted_lsm: where BPF LSM is built in, and not in the list of modules that are asked.
unlisted_tests() {
	echo "export SYNFW_EMULATED=1 SYNFW_REFUSES_BY=fmod_ret"
	echo "run_test 3 'lsm: programs that are loaded and never asked are told from others'" \
		"lsm_deny /denied /neighbour"
	echo "on 6.1 run_netns '$SOURCE' '$BUILD' $NETNS_CASE_DENY"
	echo "on 6.12 run_netns '$SOURCE' '$BUILD' $NETNS_CASE_ISOLATE"
	echo "run_test 0 'fmod_ret: rules on processes deny an exec'" \
		"process_deny '$BUILD/tests/bpf/test_first_action' fmod_ret"
	echo "run_test 0 'fmod_ret: there is no way around a rule that denies'" \
		"'$BUILD/tests/bpf/test_process_paths' '$BUILD/tests/bpf/test_first_action' fmod_ret"
	echo "run_test 0 'fmod_ret: nor by mounts'" \
		"'$BUILD/tests/bpf/test_process_mounts' '$BUILD/tests/bpf/test_first_action' fmod_ret"
	echo "run_test 0 'fmod_ret: an isolated process has no network'" \
		"process_isolate '$BUILD/tests/bpf/test_first_action' fmod_ret"
	echo "on 6.12 run_first '$BUILD/agent/synfw'"
}

make_root() {
	local directory topic
	mkdir "$ROOT" || return
	for directory in proc sys dev etc run tmp usr/bin usr/sbin usr/lib usr/lib64; do
		mkdir -p "$ROOT/$directory"
	done
	for directory in bin sbin lib lib64; do ln -s "usr/$directory" "$ROOT/$directory"; done
	copy_tools && all_tests >"$ROOT/tests.ring" && unlisted_tests >"$ROOT/tests.unlisted_lsm" || return
	grep -q "'bpf: verifier' " "$ROOT/tests.ring" || { echo "Meson knows no bpf ring"; return 1; }
	# shellcheck disable=SC2046 # a build's path with a blank in it is none for Meson's tests either
	copy $(grep -o "'[^']*/tests/bpf/test_[^']*'" "$ROOT/tests.ring" | tr -d "'" | sort -u) \
		"$BUILD/agent/synfw" "$BUILD/netns-tests/frames" "$BUILD/netns-tests/bpf_state" || return
	mkdir -p "$ROOT$SOURCE/netns-tests"
	# shellcheck disable=SC2086
	for topic in lib run $(printf '%s\n' $NETNS_CASES $NETNS_CASE_DENY $NETNS_CASE_ISOLATE | sed 's/:.*//' | sort -u); do
		cp "$SOURCE/netns-tests/$topic.sh" "$ROOT$SOURCE/netns-tests" || return
	done
	cp "$BUILD/tests/vm/lsm_deny" "$BUILD/tests/vm/process_deny" \
		"$BUILD/tests/vm/process_isolate" "$ROOT/usr/bin" &&
		cp "$(type -P true)" "$ROOT/denied" &&
		cp "$(type -P true)" "$ROOT/neighbour" && cp /etc/services "$ROOT/etc" &&
		cp "$SOURCE/tests/vm/guest.sh" "$ROOT/init" && chmod 755 "$ROOT/init" || return
	pack "$ROOT" >"$WORK/root.cpio"
}
