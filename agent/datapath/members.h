/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_MEMBERS_H
#define SYNFW_AGENT_MEMBERS_H

/* The members of one dynamic set: a map from address to expiry. */
#include <prefix.h>
#include <synfw/abi.h>

#include "base/fault.h"

/* Now, in what expiries are given in: CLOCK_BOOTTIME, which counts suspended time. */
uint64_t members_now(void);

bool member_is_live(const struct synfw_member *member, uint64_t now_ns);

/* An address as a key, and back: ::ffff:a.b.c.d is IPv4. `address` has its full length. */
struct synfw_addr6 member_key(const struct any_prefix *address);
struct any_prefix member_address(const struct synfw_addr6 *key);

/* As text; `ret_text` holds at least MEMBER_TEXT bytes. */
#define MEMBER_TEXT 64
void member_format(const struct synfw_addr6 *key, char *ret_text);

/* A map with room for `size` members. -errno and a fault. */
int members_create(const char *set, uint32_t size, struct fault *fault, int *ret_fd);

/* Calls fn for each member, expired ones too. 0, what fn returned when that is not 0, or a fault.
 */
int members_each(int fd,
		 int (*fn)(const struct synfw_addr6 *key, const struct synfw_member *member,
			   void *context),
		 void *context, struct fault *fault);

struct members_count {
	uint32_t ipv4, ipv6; /* live ones */
};

int members_count(int fd, struct fault *fault, struct members_count *ret_count);

/* Copies the live ones. -E2BIG, without a fault, when there is no room for them. */
int members_copy(int from_fd, int to_fd, struct fault *fault);

/* Whether there is such a member, and whether it has not expired. */
int members_find(int fd, const struct synfw_addr6 *key, struct fault *fault, bool *ret_present,
		 bool *ret_live);

/* -ENOENT, without a fault: it is none, or has expired. */
int members_look_up(int fd, const struct synfw_addr6 *key, struct fault *fault,
		    struct synfw_member *ret_member);

/* Adds members or gives them another expiry, in their order. In a full map the expired ones make
 * room. *ret_done: how many there are now, also after a failure. -E2BIG, without a fault, when the
 * next one finds the set full of live ones. */
int members_add(int fd, const struct synfw_addr6 *keys, const struct synfw_member *members,
		uint32_t count, struct fault *fault, uint32_t *ret_done);

/* Takes members out; those that are none are passed over. *ret_done as above. */
int members_del(int fd, const struct synfw_addr6 *keys, uint32_t count, struct fault *fault,
		uint32_t *ret_done);

#endif
