/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "anonymous_sets.h"

#include <errno.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "array.h"

#define KEY4_BYTES 5
#define KEY6_BYTES 17

static int add_set(struct parser *parser, const struct node *node, struct policy_set **ret_set,
		   uint32_t *ret_index)
{
	struct policy *policy = parser->policy;
	struct policy_set *set = ARRAY_APPEND(policy->sets, policy->nr_sets);

	if (!set)
		return -ENOMEM;
	set->at = location_of(parser, node);
	*ret_set = set;
	*ret_index = (uint32_t)(policy->nr_sets - 1);
	return 0;
}

int anonymous_any(struct parser *parser, const struct node *node, uint32_t *ret_index)
{
	static const uint8_t zero[16];
	struct policy_set *set;
	int err;

	if (parser->any_set == NAME_NOT_FOUND) {
		err = add_set(parser, node, &set, &parser->any_set);
		if (!err)
			err = prefix_list_add4(&set->prefixes, 0, 0);
		if (!err)
			err = prefix_list_add6(&set->prefixes, zero, 0);
		if (err)
			return err;
	}
	*ret_index = parser->any_set;
	return 0;
}

/* What a list holds, as bytes: how many of IPv4, then each prefix. */
static uint8_t *list_key(const struct prefix_list *list, size_t *ret_length)
{
	size_t length = sizeof(list->nr_v4) + list->nr_v4 * KEY4_BYTES + list->nr_v6 * KEY6_BYTES;
	uint8_t *key = malloc(length), *at = key;

	if (!key)
		return NULL;
	memcpy(at, &list->nr_v4, sizeof(list->nr_v4));
	at += sizeof(list->nr_v4);
	for (size_t i = 0; i < list->nr_v4; i++, at += KEY4_BYTES) {
		memcpy(at, &list->v4[i].addr, 4);
		at[4] = list->v4[i].prefixlen;
	}
	for (size_t i = 0; i < list->nr_v6; i++, at += KEY6_BYTES) {
		memcpy(at, list->v6[i].addr, 16);
		at[16] = list->v6[i].prefixlen;
	}
	*ret_length = length;
	return key;
}

int anonymous_list(struct parser *parser, const struct node *node, struct prefix_list *list,
		   uint32_t *ret_index)
{
	CLEANUP(cleanup_free) uint8_t *key = NULL;
	struct policy_set *set;
	size_t length;
	int err;

	prefix_list_normalise(list);
	key = list_key(list, &length);
	if (!key)
		return -ENOMEM;
	*ret_index = name_table_find(&parser->literals, key, length);
	if (*ret_index != NAME_NOT_FOUND)
		return 0;
	err = add_set(parser, node, &set, ret_index);
	if (err)
		return err;
	set->prefixes = *list;
	*list = (struct prefix_list){0};
	return name_table_add(&parser->literals, key, length, *ret_index);
}

int anonymous_prefix(struct parser *parser, const struct node *node,
		     const struct any_prefix *prefix, uint32_t *ret_index)
{
	CLEANUP(prefix_list_done) struct prefix_list list = {0};
	int err = prefix_list_add(&list, prefix);

	return err ? err : anonymous_list(parser, node, &list, ret_index);
}
