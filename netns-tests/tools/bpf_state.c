/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bpf_state DIRECTORY
 *
 * Prints everything that is pinned under a directory of a bpffs, in a fixed order: directories,
 * programs and links with their ids, and maps with all that is not zero, in hex; the inner maps of
 * a map of maps in full. Two states are the same exactly if the outputs are.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "namespace.h"

#define BATCH_BYTES (4 << 20)
#define LINE_BYTES  64

static long bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static void read_info(int fd, void *info, uint32_t size)
{
	union bpf_attr attr = {
		.info = {.bpf_fd = (uint32_t)fd, .info_len = size, .info = (uintptr_t)info},
	};

	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr))
		die("cannot inspect a BPF object");
}

static bool lookup(int fd, const void *key, void *value)
{
	union bpf_attr attr = {
		.map_fd = (uint32_t)fd, .key = (uintptr_t)key, .value = (uintptr_t)value};

	if (!bpf(BPF_MAP_LOOKUP_ELEM, &attr))
		return true;
	if (errno != ENOENT)
		die("cannot read a map");
	return false;
}

static bool next_key(int fd, const void *key, void *ret_key)
{
	union bpf_attr attr = {
		.map_fd = (uint32_t)fd, .key = (uintptr_t)key, .next_key = (uintptr_t)ret_key};

	if (!bpf(BPF_MAP_GET_NEXT_KEY, &attr))
		return true;
	if (errno != ENOENT)
		die("cannot walk a map");
	return false;
}

static bool is_per_cpu(const struct bpf_map_info *info)
{
	return info->type == BPF_MAP_TYPE_PERCPU_ARRAY || info->type == BPF_MAP_TYPE_PERCPU_HASH;
}

static bool holds_maps(const struct bpf_map_info *info)
{
	return info->type == BPF_MAP_TYPE_ARRAY_OF_MAPS || info->type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

static void print_hex(const uint8_t *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < length; i++) {
		putchar_unlocked(digits[bytes[i] >> 4]);
		putchar_unlocked(digits[bytes[i] & 15]);
	}
}

static bool all_zero(const uint8_t *bytes, size_t length)
{
	return !length || (!bytes[0] && !memcmp(bytes, bytes + 1, length - 1));
}

static void print_map(int fd, int depth);

static void print_inner_map(uint32_t id, int depth)
{
	union bpf_attr attr = {.map_id = id};
	int fd = (int)bpf(BPF_MAP_GET_FD_BY_ID, &attr);

	if (fd < 0)
		die("cannot open the inner map %u", id);
	print_map(fd, depth);
	close(fd);
}

static void print_value(const uint8_t *value, size_t length, int depth)
{
	size_t part;

	if (length <= LINE_BYTES) {
		print_hex(value, length);
		putchar('\n');
		return;
	}
	putchar('\n');
	for (size_t i = 0; i < length; i += part) {
		part = length - i < LINE_BYTES ? length - i : LINE_BYTES;
		if (all_zero(value + i, part))
			continue;
		printf("%*sat %zu ", depth * 2 + 2, "", i);
		print_hex(value + i, part);
		putchar('\n');
	}
}

static void print_entry(const struct bpf_map_info *info, const uint8_t *key, const uint8_t *value,
			size_t value_bytes, int depth)
{
	if (all_zero(value, value_bytes))
		return;
	printf("%*s", depth * 2, "");
	print_hex(key, info->key_size);
	putchar(' ');
	print_value(value, value_bytes, depth);
	if (holds_maps(info))
		print_inner_map(*(const uint32_t *)(const void *)value, depth + 1);
}

static void *allocate(size_t count, size_t bytes)
{
	void *memory = calloc(count, bytes);

	if (!memory)
		die("cannot read a map");
	return memory;
}

static void print_singly(int fd, const struct bpf_map_info *info, size_t value_bytes, int depth)
{
	uint8_t *key = allocate(1, info->key_size), *value = allocate(1, value_bytes);
	bool more;

	for (more = next_key(fd, NULL, key); more; more = next_key(fd, key, key))
		if (lookup(fd, key, value))
			print_entry(info, key, value, value_bytes, depth);
	free(value);
	free(key);
}

/* Arrays have up to tens of thousands of entries. */
static void print_by_batches(int fd, const struct bpf_map_info *info, size_t value_bytes, int depth)
{
	uint32_t room = (uint32_t)(BATCH_BYTES / value_bytes) + 1, position = 0;
	uint8_t *keys = allocate(room, info->key_size), *values = allocate(room, value_bytes);
	bool more = true;

	for (bool first = true; more; first = false) {
		union bpf_attr attr = {
			.batch =
				{
					.in_batch = first ? 0 : (uintptr_t)&position,
					.out_batch = (uintptr_t)&position,
					.keys = (uintptr_t)keys,
					.values = (uintptr_t)values,
					.count = room,
					.map_fd = (uint32_t)fd,
				},
		};

		more = !bpf(BPF_MAP_LOOKUP_BATCH, &attr);
		if (!more && errno != ENOENT)
			die("cannot read an array");
		for (uint32_t i = 0; i < attr.batch.count; i++)
			print_entry(info, keys + i * info->key_size, values + i * value_bytes,
				    value_bytes, depth);
	}
	free(values);
	free(keys);
}

/* How far it was written and read: its two first pages. */
static void print_ring_buffer(int fd, int depth)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	const uint64_t *read_to = mmap(NULL, page_bytes, PROT_READ, MAP_SHARED, fd, 0);
	const uint64_t *written_to =
		mmap(NULL, page_bytes, PROT_READ, MAP_SHARED, fd, (off_t)page_bytes);

	if (read_to == MAP_FAILED || written_to == MAP_FAILED)
		die("cannot map a ring buffer");
	printf("%*swritten to %llu, read to %llu\n", depth * 2, "", (unsigned long long)*written_to,
	       (unsigned long long)*read_to);
	munmap((void *)(uintptr_t)written_to, page_bytes);
	munmap((void *)(uintptr_t)read_to, page_bytes);
}

static void print_entries(int fd, const struct bpf_map_info *info, int depth)
{
	size_t value_bytes = info->value_size;

	if (info->type == BPF_MAP_TYPE_RINGBUF) {
		print_ring_buffer(fd, depth);
		return;
	}
	if (is_per_cpu(info))
		value_bytes = (value_bytes + 7) / 8 * 8 * (size_t)sysconf(_SC_NPROCESSORS_CONF);
	if (info->type == BPF_MAP_TYPE_ARRAY || info->type == BPF_MAP_TYPE_PERCPU_ARRAY)
		print_by_batches(fd, info, value_bytes, depth);
	else
		print_singly(fd, info, value_bytes, depth);
}

static void print_map(int fd, int depth)
{
	struct bpf_map_info info = {0};

	read_info(fd, &info, sizeof(info));
	printf("%*smap %s id %u type %u key %u value %u entries %u flags %u\n", depth * 2, "",
	       info.name, info.id, info.type, info.key_size, info.value_size, info.max_entries,
	       info.map_flags);
	print_entries(fd, &info, depth + 1);
}

static void print_program(int fd)
{
	struct bpf_prog_info info = {0};

	read_info(fd, &info, sizeof(info));
	printf("program %s id %u\n", info.name, info.id);
}

static void print_link(int fd)
{
	struct bpf_link_info info = {0};

	read_info(fd, &info, sizeof(info));
	printf("link id %u program %u interface %u\n", info.id, info.prog_id, info.xdp.ifindex);
}

/* What a descriptor is can only be told from the name that /proc gives it. */
static void print_pin(const char *path)
{
	union bpf_attr attr = {.pathname = (uintptr_t)path};
	char name[64], target[64] = "";
	int fd = (int)bpf(BPF_OBJ_GET, &attr);

	if (fd < 0)
		die("cannot open \"%s\"", path);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (readlink(name, target, sizeof(target) - 1) < 0)
		die("cannot tell what \"%s\" is", path);
	if (strstr(target, "bpf-map"))
		print_map(fd, 0);
	else if (strstr(target, "bpf-prog"))
		print_program(fd);
	else
		print_link(fd);
	close(fd);
}

static void print_tree(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);
	char child[PATH_MAX];
	struct stat st;

	if (count < 0)
		die("cannot list \"%s\"", path);
	printf("directory %s\n", path);
	for (int i = 0; i < count; i++) {
		snprintf(child, sizeof(child), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] == '.' || lstat(child, &st)) {
			free(entries[i]);
			continue;
		}
		free(entries[i]);
		if (S_ISDIR(st.st_mode)) {
			print_tree(child);
		} else {
			printf("pin %s: ", child);
			print_pin(child);
		}
	}
	free(entries);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: bpf_state DIRECTORY\n");
		return 2;
	}
	print_tree(argv[1]);
	return 0;
}
