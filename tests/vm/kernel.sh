# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Sourced by run.sh: Debian's packaged kernels, unpacked below $VM and not installed. A kernel that
# is there is not looked for again: remove BUILD/vm for newer ones.

# Cases of the netns ring need the first, what synfw attaches to traffic that goes out the next two,
# process_isolate the last.
MODULES="veth sch_ingress cls_bpf sctp"

# The newest of a series; names end in the flavour, those of debug symbols do not.
kernel_package() { # SERIES
	apt-cache search --names-only "^linux-image-${1//./\\.}\\.[^ ]*-cloud-amd64\$" |
		cut -d' ' -f1 | sort -V | tail -n 1
}

kernel_unpack() { # SERIES
	local directory=$VM/kernel-$1 package
	[ ! -e "$directory/whole" ] || return 0
	rm -rf "$directory"
	mkdir "$directory" || return
	package=$(kernel_package "$1")
	if [ -z "$package" ]; then
		echo "apt knows no package linux-image-$1.*-cloud-amd64 (apt-get update makes it look)"
		return 1
	fi
	# as another user apt could not write here
	(cd "$directory" && apt-get -q -o APT::Sandbox::User=root download "$package" &&
		dpkg -x ./*.deb . && rm ./*.deb) || return
	kernel_modules "$directory" && touch "$directory/whole"
}

# The modules and what they need, in the order to load them, as the cpio archive modules.cpio; without what only
# makes it faster, on a processor that guests do not have.
kernel_modules() { # DIRECTORY
	local version name path tree=$1/tree
	version=$(basename "$1"/lib/modules/*)
	mkdir -p "$tree/modules" && depmod -b "$1" "$version" || return
	for name in $MODULES; do
		modprobe -d "$1" -S "$version" --show-depends "$name" || return
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | grep -v -- '-intel\.ko' | awk '!seen[$0]++' >"$1/wanted"
	while read -r path; do
		name=$(basename "$path" .xz)
		case $path in
		*.xz) xz -dc "$path" >"$tree/modules/$name" || return ;;
		*) cp "$path" "$tree/modules/$name" || return ;;
		esac
		echo "$name" >>"$tree/modules/order"
	done <"$1/wanted"
	pack "$tree" >"$1/modules.cpio"
}

kernel_image() { # SERIES
	ls "$VM/kernel-$1"/boot/vmlinuz-*
}
