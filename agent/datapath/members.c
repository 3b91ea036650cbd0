/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "members.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

/* Elements of one batch call: more than any bucket of the kernel's hash has. */
#define BATCH 16384

uint64_t members_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + now.tv_nsec;
}

bool member_is_live(const struct synfw_member *member, uint64_t now_ns)
{
	return !member->expires_ns || member->expires_ns > now_ns;
}

/* ---- addresses ---- */

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

struct synfw_addr6 member_key(const struct any_prefix *address)
{
	struct synfw_addr6 key;
	uint32_t v4_be = htonl(address->v4.addr);

	if (address->family == 6) {
		memcpy(key.byte, address->v6.addr, sizeof(key.byte));
		return key;
	}
	memcpy(key.byte, mapped, sizeof(mapped));
	memcpy(key.byte + sizeof(mapped), &v4_be, sizeof(v4_be));
	return key;
}

static bool is_ipv4(const struct synfw_addr6 *key)
{
	return !memcmp(key->byte, mapped, sizeof(mapped));
}

struct any_prefix member_address(const struct synfw_addr6 *key)
{
	struct any_prefix address = {.family = 4, .v4.prefixlen = 32, .v6.prefixlen = 128};
	uint32_t v4_be;

	memcpy(&v4_be, key->byte + sizeof(mapped), sizeof(v4_be));
	address.v4.addr = ntohl(v4_be);
	memcpy(address.v6.addr, key->byte, sizeof(key->byte));
	if (!is_ipv4(key))
		address.family = 6;
	return address;
}

void member_format(const struct synfw_addr6 *key, char *ret_text)
{
	const struct any_prefix address = member_address(key);

	if (address.family == 4)
		prefix4_format(&address.v4, ret_text, MEMBER_TEXT);
	else
		prefix6_format(&address.v6, ret_text, MEMBER_TEXT);
}

/* ---- whole maps ---- */

/* All memory from the beginning: whether a member can be added depends on nothing but `size`, and
 * never on what the kernel can allocate at that moment (docs/decisions/0010). */
int members_create(const char *set, uint32_t size, struct fault *fault, int *ret_fd)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "set_members", sizeof(struct synfw_addr6),
				sizeof(struct synfw_member), size, NULL);

	if (fd < 0)
		return fault_system(fault, -errno, "cannot make room for %u members of set \"%s\"",
				    size, set);
	*ret_fd = fd;
	return 0;
}

struct batch {
	struct synfw_addr6 *keys;
	struct synfw_member *members;
};

static void batch_done(struct batch *batch)
{
	free(batch->keys);
	free(batch->members);
}

int members_each(int fd,
		 int (*fn)(const struct synfw_addr6 *key, const struct synfw_member *member,
			   void *context),
		 void *context, struct fault *fault)
{
	CLEANUP(batch_done)
	struct batch batch = {
		.keys = calloc(BATCH, sizeof(*batch.keys)),
		.members = calloc(BATCH, sizeof(*batch.members)),
	};
	uint32_t count, i, token, *from = NULL;
	int err = 0, end = 0;

	if (!batch.keys || !batch.members)
		return fault_system(fault, -ENOMEM, "cannot read the members of a set");
	while (!err && !end) {
		count = BATCH;
		if (bpf_map_lookup_batch(fd, from, &token, batch.keys, batch.members, &count,
					 NULL)) {
			end = errno;
			if (end != ENOENT)
				return fault_system(fault, -end,
						    "cannot read the members of a set");
		}
		from = &token;
		for (i = 0; !err && i < count; i++)
			err = fn(&batch.keys[i], &batch.members[i], context);
	}
	return err;
}

struct counting {
	struct members_count count;
	uint64_t now_ns;
};

static int count_member(const struct synfw_addr6 *key, const struct synfw_member *member,
			void *context)
{
	struct counting *counting = context;

	if (!member_is_live(member, counting->now_ns))
		return 0;
	if (is_ipv4(key))
		counting->count.ipv4++;
	else
		counting->count.ipv6++;
	return 0;
}

int members_count(int fd, struct fault *fault, struct members_count *ret_count)
{
	struct counting counting = {.now_ns = members_now()};
	int err = members_each(fd, count_member, &counting, fault);

	if (!err)
		*ret_count = counting.count;
	return err;
}

struct copying {
	int to_fd;
	uint64_t now_ns;
};

static int copy_member(const struct synfw_addr6 *key, const struct synfw_member *member,
		       void *context)
{
	struct copying *copying = context;

	if (!member_is_live(member, copying->now_ns))
		return 0;
	return bpf_map_update_elem(copying->to_fd, key, member, BPF_ANY) ? -errno : 0;
}

int members_copy(int from_fd, int to_fd, struct fault *fault)
{
	struct copying copying = {.to_fd = to_fd, .now_ns = members_now()};
	int err = members_each(from_fd, copy_member, &copying, fault);

	if (err && err != -E2BIG)
		return fault_system(fault, err, "cannot copy the members of a set");
	return err;
}

/* ---- some members ---- */

struct sweep {
	int fd;
	uint64_t now_ns;
	bool swept;
};

static int sweep_member(const struct synfw_addr6 *key, const struct synfw_member *member,
			void *context)
{
	struct sweep *sweep = context;

	if (member_is_live(member, sweep->now_ns))
		return 0;
	if (bpf_map_delete_elem(sweep->fd, key) && errno != ENOENT)
		return -errno;
	sweep->swept = true;
	return 0;
}

/* The caller holds the lock: nobody renews a member between its reading and its deletion. */
static int sweep(int fd, struct fault *fault, bool *ret_swept)
{
	struct sweep sweep = {.fd = fd, .now_ns = members_now()};
	int err = members_each(fd, sweep_member, &sweep, fault);

	if (err)
		return fault_system(fault, err, "cannot remove expired members");
	*ret_swept = sweep.swept;
	return 0;
}

int members_look_up(int fd, const struct synfw_addr6 *key, struct fault *fault,
		    struct synfw_member *ret_member)
{
	struct synfw_member member;

	if (bpf_map_lookup_elem(fd, key, &member))
		return errno == ENOENT ? -ENOENT
				       : fault_system(fault, -errno, "cannot look into the set");
	if (!member_is_live(&member, members_now()))
		return -ENOENT;
	*ret_member = member;
	return 0;
}

int members_find(int fd, const struct synfw_addr6 *key, struct fault *fault, bool *ret_present,
		 bool *ret_live)
{
	struct synfw_member member;

	if (bpf_map_lookup_elem(fd, key, &member)) {
		if (errno != ENOENT)
			return fault_system(fault, -errno, "cannot look into the set");
		*ret_present = *ret_live = false;
		return 0;
	}
	*ret_present = true;
	*ret_live = member_is_live(&member, members_now());
	return 0;
}

static int add_one(int fd, const struct synfw_addr6 *key, const struct synfw_member *member,
		   struct fault *fault)
{
	bool swept = false;
	int err;

	if (!bpf_map_update_elem(fd, key, member, BPF_ANY))
		return 0;
	if (errno != E2BIG)
		return fault_system(fault, -errno, "cannot add to the set");
	err = sweep(fd, fault, &swept);
	if (err)
		return err;
	if (!swept)
		return -E2BIG;
	if (bpf_map_update_elem(fd, key, member, BPF_ANY))
		return fault_system(fault, -errno, "cannot add to the set");
	return 0;
}

static int del_one(int fd, const struct synfw_addr6 *key, struct fault *fault)
{
	if (bpf_map_delete_elem(fd, key) && errno != ENOENT)
		return fault_system(fault, -errno, "cannot take out of the set");
	return 0;
}

/* How many a call for many has done. What fails before its first element leaves the count as it
 * was; what does all of them says so by 0. */
static uint32_t done_of(int status, uint32_t done, uint32_t count)
{
	return status && done >= count ? 0 : done;
}

/* Whatever ends a call for many: one by one, those that are left go on or say why not. */
int members_add(int fd, const struct synfw_addr6 *keys, const struct synfw_member *members,
		uint32_t count, struct fault *fault, uint32_t *ret_done)
{
	uint32_t done = count;
	int err = bpf_map_update_batch(fd, keys, members, &done, NULL);

	done = done_of(err, done, count);
	for (err = 0; done < count && !err; done += !err)
		err = add_one(fd, &keys[done], &members[done], fault);
	*ret_done = done;
	return err;
}

int members_del(int fd, const struct synfw_addr6 *keys, uint32_t count, struct fault *fault,
		uint32_t *ret_done)
{
	uint32_t done = count;
	int err = bpf_map_delete_batch(fd, keys, &done, NULL);

	done = done_of(err, done, count);
	for (err = 0; done < count && !err; done += !err)
		err = del_one(fd, &keys[done], fault);
	*ret_done = done;
	return err;
}
