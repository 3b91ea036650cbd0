/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "rivals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <synfw/cleanup.h>

#include "xdp_filter.h"

struct rivals {
	struct bpf_object *object, *xdp_filter;
	uint8_t family;
};

const char *const rival_names[NR_RIVALS] = {
	[RIVAL_BARE] = "bare XDP_DROP",
	[RIVAL_PARSE] = "bare parse",
	[RIVAL_LOAD] = "one load, 64 MiB",
	[RIVAL_LPM] = "LPM trie",
	[RIVAL_HASH] = "hash",
	[RIVAL_XDP_FILTER] = "xdp-filter",
};

static const char *const programs[][NR_RIVALS] = {
	[4] = {"bare", "parse", "load", "lpm_v4", "hash_v4"},
	[6] = {"bare", "parse", "load", "lpm_v6", "hash_v6"},
};

struct lpm_key {
	uint32_t prefixlen;
	uint8_t addr[16]; /* four of them for IPv4 */
};

static int fill_lpm(int fd, const struct address_set *set)
{
	uint32_t value = 1;

	for (size_t i = 0; i < set->count; i++) {
		struct lpm_key key = {.prefixlen = set->prefix[i].prefixlen};

		address_set_network(set, i, key.addr);
		if (bpf_map_update_elem(fd, &key, &value, BPF_NOEXIST))
			return -errno;
	}
	return 0;
}

static int fill_hash(int fd, const struct address_set *set)
{
	uint32_t value = 1;

	for (size_t i = 0; i < set->count; i++)
		if (bpf_map_update_elem(fd, set->prefix[i].example, &value, BPF_NOEXIST))
			return -errno;
	return 0;
}

static int load_object(struct bpf_object *object, const struct address_set *set)
{
	const char *lpm = set->family == 4 ? "lpm4" : "lpm6";
	const char *hash = set->family == 4 ? "hash4" : "hash6";
	struct bpf_map *lpm_map = bpf_object__find_map_by_name(object, lpm);
	struct bpf_map *hash_map = bpf_object__find_map_by_name(object, hash);
	int err;

	if (!lpm_map || !hash_map)
		return -ENOENT;
	if (bpf_map__set_max_entries(lpm_map, set->count) ||
	    bpf_map__set_max_entries(hash_map, set->count) || bpf_object__load(object))
		return -errno;
	err = fill_lpm(bpf_map__fd(lpm_map), set);
	return err ? err : fill_hash(bpf_map__fd(hash_map), set);
}

int rivals_open(const char *object, const struct address_set *set, struct rivals **ret_rivals)
{
	CLEANUP(rivals_closep) struct rivals *rivals = calloc(1, sizeof(*rivals));
	int err;

	if (!rivals)
		return -ENOMEM;
	rivals->family = set->family;
	rivals->object = bpf_object__open(object);
	if (!rivals->object)
		return -errno;
	err = load_object(rivals->object, set);
	if (err)
		return err;
	rivals->xdp_filter = xdp_filter_open(set, false);
	if (!rivals->xdp_filter && errno != ENOENT)
		return -errno;
	*ret_rivals = TAKE_PTR(rivals);
	return 0;
}

void rivals_close(struct rivals *rivals)
{
	if (!rivals)
		return;
	bpf_object__close(rivals->object);
	bpf_object__close(rivals->xdp_filter);
	free(rivals);
}

void rivals_closep(struct rivals **rivals)
{
	rivals_close(*rivals);
}

int rivals_fd(const struct rivals *rivals, enum rival rival)
{
	struct bpf_program *program;

	if (rival == RIVAL_XDP_FILTER)
		return xdp_filter_fd(rivals->xdp_filter);
	program = bpf_object__find_program_by_name(rivals->object, programs[rivals->family][rival]);
	return program ? bpf_program__fd(program) : -1;
}
