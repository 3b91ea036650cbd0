#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The VM ring: tests/vm/run.sh [-f] [-v] [-o BUILD]... BUILD [KERNEL...]
#
# Boots other kernels than this machine's, Debian's packaged ones of the series KERNEL (6.1 and
# 6.12), and runs in them what depends on the kernel: the bpf ring with the BPF objects of BUILD,
# and of each -o BUILD as far as the verifier goes, cases of the netns ring with the built binaries,
# and BPF LSM programs. QEMU emulates in software: no KVM is needed, nor root. On this machine only an
# LSM program that denies a file of the ring's own is tried. Prints a line for each test and ends with
# the counts; what cannot be had or booted has failed. -v, or SYNFW_VERBOSE=1, prints what tests that
# pass have written, too.
#
# Kernels are kept in BUILD/vm: without it the newest ones are fetched; -f does no more than that.
# SYNFW_JOBS guests run at the same time, and one that sleeps, SYNFW_GUEST_SECONDS at most;
# SYNFW_CHECKS, SYNFW_SEQUENCES and SYNFW_SEED are those of the bpf ring.
set -uo pipefail

PATH=$PATH:/usr/sbin:/sbin # of depmod and modprobe
VERBOSE=${SYNFW_VERBOSE:-0}
OTHERS=() FETCH=false
while getopts fvo: option; do
	case $option in
	f) FETCH=true ;;
	v) VERBOSE=1 ;;
	o) OTHERS+=("$(cd "$OPTARG" && pwd)") || exit 1 ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
SOURCE=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=$(cd "${1:-$SOURCE/build}" && pwd) || exit 1
shift
[ $# -gt 0 ] || set -- 6.1 6.12

JOBS=${SYNFW_JOBS:-$(nproc)}
# On two idle processors a guest is up in 3 s, and all are done within that.
WANTED_SECONDS=180
GUEST_SECONDS=${SYNFW_GUEST_SECONDS:-600}
TEST_SECONDS=300
HANG_SECONDS=40
CHECKS=${SYNFW_CHECKS:-2000}
SEQUENCES=${SYNFW_SEQUENCES:-30}
CPUS=2 # more than one: some maps have a value for each; one of them runs
MEMORY_MB=2048
VM=$BUILD/vm
mkdir -p "$VM" || exit 1
WORK=$(mktemp -d "$VM/run.XXXXXX") || exit 1
PASSED=0 FAILED=0
UNPACKING=() # series by process
trap 'end_guests; rm -rf "$WORK"' EXIT
trap 'exit 143' TERM INT

end_guests() {
	# shellcheck disable=SC2046 # process ids are words
	[ -z "$(jobs -rp)" ] || kill $(jobs -rp)
	wait
}

. "$SOURCE/tests/vm/kernel.sh"
. "$SOURCE/tests/vm/root.sh"
. "$SOURCE/tests/vm/boot.sh"

result() { # STATUS NAME SECONDS [FILE]
	if [ "$1" = 0 ]; then
		PASSED=$((PASSED + 1))
		printf 'ok    %-66s %4s s\n' "$2" "$3"
	else
		FAILED=$((FAILED + 1))
		printf 'FAIL  %-66s %4s s\n' "$2" "$3"
	fi
	[ $# -lt 4 ] || { [ "$1" = 0 ] && [ "$VERBOSE" != 1 ]; } || sed 's/^/      | /' "$4"
}

# A line of its own for each test that the guest has told of, and one for the guest itself.
report() { # GUEST NAME
	local word rest seconds="" name status
	while read -r word rest; do
		case $word in
		\|) echo "$rest" >>"$WORK/words" ;;
		*)
			[ -z "$seconds" ] || result "$status" "$2: $name" "$seconds" "$WORK/words"
			: >"$WORK/words"
			[ "$word" = ok ] && status=0 || status=1
			seconds=${rest%% *} name=${rest#* }
			case $word in ok | FAIL) ;; *) seconds="" ;; esac
			;;
		esac
	done < <(cat "$WORK/$1.results"; echo "done")
	is_well "$1" >"$WORK/words" && status=0 || status=1
	result $status "$2: the guest comes to its end" "$(seconds_of "$1")" "$WORK/words"
}

start() { # GUEST SERIES SCENARIO LIMIT [PARAMETER...]: once fewer than JOBS are running
	while [ "$(jobs -rp | grep -cvx "${HANGS:-}")" -ge "$JOBS" ]; do wait -n; done
	boot "$@" &
}

# What would be no proof of anything is not taken for one: a guest that panics or hangs after a test
# that has passed. Both of the first kernel.
check_unwell() { # GUEST NAME WORDS: what is said about it
	local status=1
	! is_well "$1" >"$WORK/words" && grep -qF -- "$3" "$WORK/words" &&
		grep -q '^ok ' "$WORK/$1.results" && status=0
	result $status "runner: $2" "$(seconds_of "$1")" "$WORK/words"
}

# On this machine everything may be: what counts is that it is found out, and harmless.
check_here() {
	local status=0
	cp "$(type -P true)" "$WORK/denied"
	"$BUILD/tests/vm/lsm_deny" "$WORK/denied" "$(type -P true)" >"$WORK/words" 2>&1 || status=$?
	case $status in 0 | 3 | 7) status=0 ;; *) status=1 ;; esac
	result $status "this machine: lsm: $(head -n 1 "$WORK/words")" 0 "$WORK/words"
}

if $FETCH; then
	for series; do kernel_unpack "$series" || exit; done
	exit
fi
began=$SECONDS
KERNELS=()
for series; do
	kernel_unpack "$series" >"$WORK/$series.unpacked" 2>&1 &
	UNPACKING[$!]=$series
done
make_root >"$WORK/words" 2>&1
made=$?
for pid in "${!UNPACKING[@]}"; do
	series=${UNPACKING[$pid]}
	if wait "$pid"; then
		KERNELS+=("$series")
	else
		result 1 "$series: the kernel can be had" 0 "$WORK/$series.unpacked"
	fi
done
if [ $made != 0 ]; then
	result 1 "the guests' files can be had" 0 "$WORK/words"
	KERNELS=()
fi
check_here
first=${KERNELS[0]:-}
if [ -n "$first" ]; then # it is not counted, as it takes no processor's time
	boot hangs "$first" hangs "$HANG_SECONDS" &
	HANGS=$!
fi
for series in "${KERNELS[@]}"; do # these take longest
	start "$series" "$series" ring "$GUEST_SECONDS" lsm=lockdown,yama,bpf
done
[ -z "$first" ] || start panics "$first" panics "$GUEST_SECONDS"
for series in "${KERNELS[@]}"; do
	start "$series-unlisted" "$series" unlisted_lsm "$GUEST_SECONDS" lsm=lockdown,yama
done
wait
if [ -n "$first" ]; then
	check_unwell hangs "a guest that hangs has failed" "it had to be ended"
	check_unwell panics "a guest that panics has failed" "Kernel panic - not syncing"
	grep -q '^FAIL ' "$WORK/panics.results"
	result $? "runner: a test that fails in a guest has failed" "$(seconds_of panics)"
fi
for series in "${KERNELS[@]}"; do
	report "$series" "$series"
	report "$series-unlisted" "$series, bpf not in lsm="
done
[ $((SECONDS - began)) -le "$WANTED_SECONDS" ] || echo "vm: more than the $WANTED_SECONDS s that are wanted"
printf 'vm: %d passed, %d failed in %d s\n' "$PASSED" "$FAILED" $((SECONDS - began))
[ "$FAILED" = 0 ] && [ "$PASSED" -gt 0 ]
