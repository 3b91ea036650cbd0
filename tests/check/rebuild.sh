#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A changed shared header rebuilds the BPF object: rebuild.sh NINJA BUILD UNIT HEADER...
# Kernel and user space would disagree about the tables otherwise. Asks ninja what it recorded.
set -eu

ninja=$1 build=$2 object=bpf/$3.bpf.o
shift 3
deps=$("$ninja" -C "$build" -t deps "$object")
for header; do
	case $deps in
	*"$header"*) echo "ok - $header" ;;
	*)
		echo "not ok - $object does not depend on $header: $deps"
		exit 1
		;;
	esac
done
