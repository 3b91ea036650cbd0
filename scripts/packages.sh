# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by the other scripts: what they need of a fresh Debian 12, and becoming root.

# half of the tools, and what dpkg calls, is not on the path after a plain `su`
PATH=/usr/local/sbin:/usr/sbin:/sbin:$PATH

PACKAGES_BUILD="bpftool clang-14 clang-19 gcc libbpf-dev libc6-dev libcmocka-dev libelf-dev
	libjansson-dev libmnl-dev libpcap-dev libsystemd-dev libyaml-dev meson nettle-dev ninja-build
	pkg-config python3 scdoc"
PACKAGES_RUN="busybox-static curl ethtool iproute2 iputils-ping jq kmod netbase netcat-openbsd
	procps strace tcpdump util-linux"
# the fuzz ring's sanitizers, and what policies make exceptions of
PACKAGES_TEST="libclang-rt-14-dev nodejs openjdk-17-jdk-headless"
# the VM ring's; scripts/test.sh alone adds them to the others. The kernels are not installed.
PACKAGES_VM="cpio qemu-system-x86 xz-utils"
# what scripts/benchmark.sh measures synfw against; it alone adds them to the others
PACKAGES_RIVALS="ipset iptables nftables xdp-tools"

# Runs the calling script again as root: `become_root "$@"`.
become_root() {
	[ "$(id -u)" = 0 ] && return
	if ! command -v sudo >/dev/null; then
		echo "$0: run it as root (there is no sudo)" >&2
		exit 1
	fi
	exec sudo --preserve-env=CI,NO_COLOR,SYNFW_APPLIES,SYNFW_BOMB,SYNFW_SEED,SYNFW_TEST_DATA,SYNFW_VERBOSE,http_proxy,https_proxy \
		bash "$0" "$@"
}

# Installs what is missing, and PACKAGE...; asks nothing, and no registry when nothing is missing.
packages_install() { # [PACKAGE...]
	local package missing=()
	# shellcheck disable=SC2086 # words are what is wanted
	for package in $PACKAGES_BUILD $PACKAGES_RUN $PACKAGES_TEST "$@"; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
			missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	echo "installing: ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	# on a machine's first boot unattended upgrades may hold the lock
	apt-get -o DPkg::Lock::Timeout=300 update -qq
	apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "${missing[@]}" \
		>/dev/null
}
