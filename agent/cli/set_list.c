/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "set_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#define NS_PER_S 1000000000ULL

struct listed {
	struct synfw_addr6 key;
	struct synfw_member member;
};

struct listing {
	struct listed *items;
	size_t count, room;
	uint64_t now_ns;
};

static void listing_done(struct listing *listing)
{
	free(listing->items);
}

static int list_member(const struct synfw_addr6 *key, const struct synfw_member *member,
		       void *context)
{
	struct listing *listing = context;

	if (!member_is_live(member, listing->now_ns))
		return 0;
	if (listing->count == listing->room) {
		size_t room = listing->room ? 2 * listing->room : 1024;
		struct listed *items = reallocarray(listing->items, room, sizeof(*items));

		if (!items)
			return -ENOMEM;
		listing->items = items;
		listing->room = room;
	}
	listing->items[listing->count++] = (struct listed){*key, *member};
	return 0;
}

static bool is_ipv6(const struct synfw_addr6 *key)
{
	return member_address(key).family == 6;
}

/* IPv4 first, as everywhere. */
static int compare_listed(const void *left, const void *right)
{
	const struct listed *a = left, *b = right;
	int order = is_ipv6(&a->key) - is_ipv6(&b->key);

	return order ? order : memcmp(&a->key, &b->key, sizeof(a->key));
}

/* Rounded up: what is still a member expires in a second at the least. */
static uint64_t seconds_left(const struct listing *listing, const struct listed *item)
{
	return (item->member.expires_ns - listing->now_ns + NS_PER_S - 1) / NS_PER_S;
}

/* In the form that `synfw set add NAME -` reads. */
static void print_list(const struct listing *listing, const struct set *set)
{
	char text[64];
	size_t i;

	for (i = 0; i < listing->count; i++) {
		member_format(&listing->items[i].key, text);
		if (listing->items[i].member.expires_ns)
			printf("%-40s %llus\n", text,
			       (unsigned long long)seconds_left(listing, &listing->items[i]));
		else
			printf("%s\n", text);
	}
	fflush(stdout);
	fprintf(stderr, "%zu of %u members\n", listing->count, set->about.size);
}

/* Written piece by piece: a set may have two million members. */
static void print_list_json(const struct listing *listing, const struct set *set)
{
	char text[64];
	size_t i;

	/* the characters of a set's name need no quoting */
	printf("{\"schema\":\"synfw.set.list/1\",\"set\":\"%s\",\"size\":%u,\"timeout_s\":",
	       set->about.name, set->about.size);
	if (set->about.timeout_ns)
		printf("%llu", (unsigned long long)(set->about.timeout_ns / NS_PER_S));
	else
		printf("null");
	printf(",\"members\":[");
	for (i = 0; i < listing->count; i++) {
		member_format(&listing->items[i].key, text);
		printf("%s{\"address\":\"%s\",\"expires_in_s\":", i ? "," : "", text);
		if (listing->items[i].member.expires_ns)
			printf("%llu}",
			       (unsigned long long)seconds_left(listing, &listing->items[i]));
		else
			printf("null}");
	}
	printf("]}\n");
}

int set_list(const struct set *set, bool json, struct fault *fault)
{
	CLEANUP(listing_done) struct listing listing = {.now_ns = members_now()};
	int err = members_each(set->fd, list_member, &listing, fault);

	if (err)
		return fault_system(fault, err, "cannot list set \"%s\"", set->about.name);
	if (listing.count)
		qsort(listing.items, listing.count, sizeof(*listing.items), compare_listed);
	if (json)
		print_list_json(&listing, set);
	else
		print_list(&listing, set);
	return 0;
}
