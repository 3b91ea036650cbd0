/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "set_change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <synfw/cleanup.h>

#include "base/json.h"
#include "base/ui.h"
#include "report/report.h"

#define NS_PER_S 1000000000ULL

/* Addresses that one call to the kernel is given. */
#define CHUNK 4096

/* ---- what is in the set already ---- */

struct marking {
	const struct addresses *addresses;
	uint64_t now_ns;
};

static int mark_member(const struct synfw_addr6 *key, const struct synfw_member *member,
		       void *context)
{
	const struct marking *marking = context;
	struct address *address = addresses_find(marking->addresses, key);

	if (address) {
		address->present = true;
		address->live = member_is_live(member, marking->now_ns);
	}
	return 0;
}

/* To ask for one costs as much as four cost in a walk. */
static int mark_members(const struct set *set, const struct addresses *addresses,
			struct fault *fault)
{
	struct marking marking = {.addresses = addresses, .now_ns = members_now()};
	struct address *address;
	size_t i;
	int err = 0;

	if (addresses->count > set->about.size / 4)
		return members_each(set->fd, mark_member, &marking, fault);
	for (i = 0; i < addresses->count && !err; i++) {
		address = &addresses->items[i];
		err = members_find(set->fd, &address->key, fault, &address->present,
				   &address->live);
	}
	return err;
}

/* How many of the first `count` were members before. */
static size_t count_live(const struct addresses *addresses, size_t count)
{
	size_t live = 0, i;

	for (i = 0; i < count; i++)
		live += addresses->items[i].live;
	return live;
}

/* Says how far a command has come that failed: "added 3 and renewed 1", "took out 4". */
static void tell_progress(const struct set_change *change, size_t done, const char *progress,
			  struct fault *fault)
{
	const struct address *next = &change->addresses.items[done];
	char text[MEMBER_TEXT], line[32] = "", detail[256];

	if (!change->many || done >= change->addresses.count)
		return;
	member_format(&next->key, text);
	if (next->line != ADDRESSES_NO_LINE)
		snprintf(line, sizeof(line), "line %u, ", next->line);
	snprintf(detail, sizeof(detail),
		 "%s of %zu addresses; nothing was changed from %s\"%s\" on\n", progress,
		 change->addresses.count, line, text);
	fault_detail(fault, detail);
}

/* ---- add ---- */

struct additions {
	struct synfw_addr6 keys[CHUNK];
	struct synfw_member members[CHUNK];
};

static uint64_t lifetime_of(const struct set_change *change, const struct set *set,
			    const struct address *address)
{
	if (address->lifetime_ns)
		return address->lifetime_ns;
	return change->lifetime_ns ? change->lifetime_ns : set->about.timeout_ns;
}

static int add_all(const struct set_change *change, const struct set *set, struct fault *fault,
		   size_t *ret_done)
{
	CLEANUP(cleanup_free) struct additions *part = malloc(sizeof(*part));
	CLEANUP(filter_close) struct filter filter = FILTER_NONE;
	const struct addresses *addresses = &change->addresses;
	uint64_t now_ns = members_now(), lifetime_ns;
	bool alone = addresses->count == 1;
	uint32_t count, done;
	int err = part ? 0 : fault_system(fault, -ENOMEM, "cannot add to the set");

	*ret_done = 0;
	if (!err && alone)
		err = filter_add_one(&set->object, OBJECT_MEMBER_FILTER, &addresses->items[0].key,
				     fault);
	else if (!err)
		err = filter_open(&set->object, OBJECT_MEMBER_FILTER, fault, &filter);
	while (!err && *ret_done < addresses->count) {
		for (count = 0; count < CHUNK && *ret_done + count < addresses->count; count++) {
			const struct address *address = &addresses->items[*ret_done + count];

			lifetime_ns = lifetime_of(change, set, address);
			part->keys[count] = address->key;
			part->members[count].expires_ns = lifetime_ns ? now_ns + lifetime_ns : 0;
			if (!alone)
				filter_add(&filter, &address->key);
		}
		err = members_add(set->fd, part->keys, part->members, count, fault, &done);
		*ret_done += done;
	}
	return err;
}

static void print_added(const struct set_change *change, const struct set *set)
{
	const struct address *address = change->addresses.items;
	uint64_t lifetime_ns = lifetime_of(change, set, address);
	char text[MEMBER_TEXT];

	member_format(&address->key, text);
	printf("%s %s %s %s", address->live ? "renewed" : "added", text,
	       address->live ? "in" : "to", change->name);
	if (lifetime_ns)
		printf(" for %llu s", (unsigned long long)(lifetime_ns / NS_PER_S));
	putchar('\n');
}

static void print_added_json(const struct set_change *change, const struct set *set)
{
	const struct address *address = change->addresses.items;
	uint64_t lifetime_ns = lifetime_of(change, set, address);
	char text[MEMBER_TEXT];

	member_format(&address->key, text);
	/* clang-format off */
	CLEANUP(json_decrefp) json_t *root = json_pack(
		"{s:s, s:o, s:s, s:b, s:o}",
		"schema", "synfw.set.add/1",
		"set", json_text(change->name),
		"address", text,
		"added", !address->live,
		"expires_in_s", lifetime_ns ? json_integer(lifetime_ns / NS_PER_S) : json_null());
	/* clang-format on */

	report_print_json(root);
}

static void print_many_added(const struct set_change *change, bool json)
{
	size_t count = change->addresses.count, live = count_live(&change->addresses, count);
	CLEANUP(json_decrefp) json_t *root = NULL;

	if (!json) {
		printf("added %zu to %s and renewed %zu\n", count - live, change->name, live);
		return;
	}
	root = json_pack("{s:s, s:o, s:I, s:I}", "schema", "synfw.set.add.many/1", "set",
			 json_text(change->name), "added", (json_int_t)(count - live), "renewed",
			 (json_int_t)live);
	report_print_json(root);
}

int set_add(const struct set *set, const struct set_change *change, bool json, struct fault *fault)
{
	char progress[80];
	size_t done = 0, live;
	int err = mark_members(set, &change->addresses, fault);

	if (!err)
		err = add_all(change, set, fault, &done);
	if (err == -E2BIG)
		fault_refuse(fault, EXIT_REFUSED,
			     "set \"%s\" is full: it has %u members; take some out, or apply a "
			     "policy that gives it a larger size",
			     change->name, set->about.size);
	if (err) {
		live = count_live(&change->addresses, done);
		snprintf(progress, sizeof(progress), "added %zu and renewed %zu", done - live,
			 live);
		tell_progress(change, done, progress, fault);
		return ui_fault(fault);
	}
	if (change->many)
		print_many_added(change, json);
	else if (json)
		print_added_json(change, set);
	else
		print_added(change, set);
	return ui_done("added");
}

/* ---- del ---- */

/* Only what is there: the kernel ends a call for many at what is not. */
static int del_all(const struct set_change *change, const struct set *set, struct fault *fault,
		   size_t *ret_done)
{
	CLEANUP(cleanup_free) struct synfw_addr6 *keys = malloc(CHUNK * sizeof(*keys));
	const struct addresses *addresses = &change->addresses;
	uint32_t count, done;
	size_t next = 0;
	int err = 0;

	*ret_done = 0;
	if (!keys)
		return fault_system(fault, -ENOMEM, "cannot take out of the set");
	while (!err && next < addresses->count) {
		for (count = 0; count < CHUNK && next < addresses->count; next++)
			if (addresses->items[next].present)
				keys[count++] = addresses->items[next].key;
		if (!count)
			break;
		err = members_del(set->fd, keys, count, fault, &done);
		for (; done; (*ret_done)++)
			done -= addresses->items[*ret_done].present;
	}
	return err;
}

static void print_removed(const struct set_change *change, bool json)
{
	const struct address *address = change->addresses.items;
	CLEANUP(json_decrefp) json_t *root = NULL;
	char text[MEMBER_TEXT];

	member_format(&address->key, text);
	if (!json) {
		printf(address->live ? "took %s out of %s\n" : "%s is not in %s\n", text,
		       change->name);
		return;
	}
	root = json_pack("{s:s, s:o, s:s, s:b}", "schema", "synfw.set.del/1", "set",
			 json_text(change->name), "address", text, "removed", address->live);
	report_print_json(root);
}

static void print_many_removed(const struct set_change *change, size_t removed, bool json)
{
	size_t absent = change->addresses.count - removed;
	CLEANUP(json_decrefp) json_t *root = NULL;

	if (!json) {
		printf("took %zu out of %s; %zu were not in it\n", removed, change->name, absent);
		return;
	}
	root = json_pack("{s:s, s:o, s:I, s:I}", "schema", "synfw.set.del.many/1", "set",
			 json_text(change->name), "removed", (json_int_t)removed, "absent",
			 (json_int_t)absent);
	report_print_json(root);
}

int set_del(const struct set *set, const struct set_change *change, bool json, struct fault *fault)
{
	size_t done = 0, removed;
	char progress[40];
	int err = mark_members(set, &change->addresses, fault);

	if (!err)
		err = del_all(change, set, fault, &done);
	if (err) {
		snprintf(progress, sizeof(progress), "took out %zu",
			 count_live(&change->addresses, done));
		tell_progress(change, done, progress, fault);
		return ui_fault(fault);
	}
	removed = count_live(&change->addresses, change->addresses.count);
	if (change->many)
		print_many_removed(change, removed, json);
	else
		print_removed(change, json);
	return removed == change->addresses.count ? ui_done("taken out") : EXIT_NO;
}
