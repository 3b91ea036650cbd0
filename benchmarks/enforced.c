/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "enforced.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>

#include <synfw/cleanup.h>

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

int enforced_open(const struct policy_text *text, struct enforced *ret_enforced)
{
	struct enforced enforced = {};
	double start = now_ms();
	int err = policy_text_compile(text, NULL, stderr, &enforced.compiled);

	if (err)
		return err;
	enforced.compile_ms = now_ms() - start;
	err = datapath_open(&enforced.datapath);
	if (!err)
		err = datapath_apply(enforced.datapath, enforced.compiled.image);
	if (err) {
		enforced_close(&enforced);
		return err;
	}
	*ret_enforced = enforced;
	return 0;
}

void enforced_close(struct enforced *enforced)
{
	datapath_close(enforced->datapath);
	compiled_done(&enforced->compiled);
	*enforced = (struct enforced){};
}

int enforced_fd(const struct enforced *enforced)
{
	return datapath_live_fd(enforced->datapath);
}

int enforced_add_members(struct enforced *enforced, uint32_t count)
{
	CLEANUP(cleanup_free) struct synfw_addr6 *keys = calloc(count, sizeof(*keys));
	CLEANUP(cleanup_free) struct synfw_member *members = calloc(count, sizeof(*members));
	CLEANUP(cleanup_fd)
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, NULL, sizeof(*keys), sizeof(*members), count,
				NULL);
	uint32_t done = count;

	if (!keys || !members || fd < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t addr_be = htonl(0xf0000000 + i);

		keys[i].byte[10] = keys[i].byte[11] = 0xff;
		memcpy(keys[i].byte + 12, &addr_be, sizeof(addr_be));
		datapath_filter_member(enforced->datapath, &keys[i]);
	}
	if (bpf_map_update_batch(fd, keys, members, &done, NULL))
		return -errno;
	return datapath_use_members(enforced->datapath, 0, fd);
}
