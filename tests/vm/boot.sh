# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by run.sh: a guest from its boot to its end, and whether that was a good one.

# Leaves GUEST.results, what guest.sh says; GUEST.console, what the kernel says; GUEST.ending,
# QEMU's exit status and the seconds.
boot() { # GUEST SERIES SCENARIO LIMIT [PARAMETER...]
	local guest=$1 series=$2 scenario=$3 limit=$4 began=$SECONDS status=0
	shift 4
	echo "none 0" >"$WORK/$guest.ending"
	: >"$WORK/$guest.results"
	: >"$WORK/$guest.console"
	: >"$WORK/$guest.qemu"
	cat "$WORK/root.cpio" "$VM/kernel-$series/modules.cpio" >"$WORK/$guest.cpio" || return
	# who asks this shell to end asks QEMU, too; panic=-1 and -no-reboot: a panic ends it at once.
	# maxcpus=1, rcu_expedited: where one emulated CPU waits for another, or for a tick, both are slow;
	# mitigations, init_on_alloc, nokaslr: what an emulated CPU has no use for, some 6 % of the time together
	setpriv --pdeathsig TERM timeout --kill-after=10 "$limit" qemu-system-x86_64 \
		-accel tcg -machine q35 -smp "$CPUS" -m "$MEMORY_MB" -nodefaults -display none -no-reboot \
		-kernel "$(kernel_image "$series")" -initrd "$WORK/$guest.cpio" \
		-serial "file:$WORK/$guest.console" -serial "file:$WORK/$guest.results" \
		-append "console=ttyS0 panic=-1 oops=panic nowatchdog maxcpus=1 rcupdate.rcu_expedited=1 \
			mitigations=off init_on_alloc=0 nokaslr \
			SCENARIO=$scenario TEST_SECONDS=$TEST_SECONDS $*" >"$WORK/$guest.qemu" 2>&1 </dev/null || status=$?
	rm "$WORK/$guest.cpio"
	sed -i 's/\r$//' "$WORK/$guest.results" "$WORK/$guest.console"
	echo "$status $((SECONDS - began))" >"$WORK/$guest.ending"
}

seconds_of() { cut -d' ' -f2 "$WORK/$1.ending"; } # GUEST

# A guest that panics, hangs, or is cut off has no last line that counts its tests.
is_well() { # GUEST: else it says why
	local status tests last
	read -r status _ <"$WORK/$1.ending"
	tests=$(grep -cE '^(ok|FAIL) ' "$WORK/$1.results")
	last=$(tail -n 1 "$WORK/$1.results")
	if [ "$status" = 0 ] && [ "$tests" != 0 ] && [ "$last" = "end $tests" ]; then return 0; fi
	case $status in
	0) echo "it ended after $tests tests, and not because it was done" ;;
	124 | 137) echo "it had to be ended, after $(seconds_of "$1") s and $tests tests" ;;
	none) echo "it was not booted" ;;
	*) echo "QEMU ended with status $status" ;;
	esac
	echo "the last that it said: $last"
	cat "$WORK/$1.qemu"
	grep -E 'Kernel panic|BUG:|Oops' "$WORK/$1.console"
	tail -n 30 "$WORK/$1.console"
	return 1
}
