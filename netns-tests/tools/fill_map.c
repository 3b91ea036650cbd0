/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * fill_map PIN [--undo]
 *
 * Fills a pinned map, whose keys are numbers of 32 bits, with zeros under keys from 2^30 on until
 * there is no room, or takes them out again.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "namespace.h"

#define FIRST	    (1U << 30)
#define VALUE_BYTES 4096

static long bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int open_pin(const char *path)
{
	struct bpf_map_info info = {0};
	union bpf_attr pin = {.pathname = (uintptr_t)path}, about;
	int fd = bpf(BPF_OBJ_GET, &pin);

	about = (union bpf_attr){
		.info = {.bpf_fd = fd, .info_len = sizeof(info), .info = (uintptr_t)&info}};
	if (fd < 0 || bpf(BPF_OBJ_GET_INFO_BY_FD, &about))
		die("cannot open \"%s\"", path);
	if (info.key_size != sizeof(uint32_t) || info.value_size > VALUE_BYTES)
		die("\"%s\" is another map", path);
	return fd;
}

/* Until one fails, and that with `expected`. */
static void change_all(int fd, enum bpf_cmd command, int expected)
{
	static const uint8_t zeros[VALUE_BYTES];
	uint32_t key = FIRST;
	union bpf_attr attr = {.map_fd = fd, .key = (uintptr_t)&key};

	if (command == BPF_MAP_UPDATE_ELEM)
		attr.value = (uintptr_t)zeros;
	while (!bpf(command, &attr))
		key++;
	if (errno != expected)
		die("cannot change the map");
}

int main(int argc, char **argv)
{
	if (argc == 2)
		change_all(open_pin(argv[1]), BPF_MAP_UPDATE_ELEM, E2BIG);
	else if (argc == 3 && !strcmp(argv[2], "--undo"))
		change_all(open_pin(argv[1]), BPF_MAP_DELETE_ELEM, ENOENT);
	else
		die("usage: fill_map PIN [--undo]");
	return 0;
}
