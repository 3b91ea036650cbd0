/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "exempt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "base/ui.h"
#include "datapath/filter.h"
#include "datapath/members.h"

static const char *const words[] = {
	[SYNFW_EXEMPT_GATEWAY] = "gateway",
	[SYNFW_EXEMPT_RESOLVER] = "name server",
	[SYNFW_EXEMPT_DHCP] = "DHCP server",
	[SYNFW_EXEMPT_OWN] = "address of this host",
};

#define NR_KINDS (sizeof(words) / sizeof(*words))

const char *exempt_word(uint32_t kind)
{
	return kind && kind < NR_KINDS ? words[kind] : "exempt address";
}

/* ---- which ones ---- */

struct candidate {
	struct exempt_entry entry;
	uint32_t rank; /* the lowest stays longest */
};

static int compare_addresses(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct synfw_addr6));
}

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;
	int order = compare_addresses(&left->entry.address, &right->entry.address);

	return order ? order : (int)left->rank - (int)right->rank;
}

static int compare_ranks(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;

	if (left->rank != right->rank)
		return (int)left->rank - (int)right->rank;
	return compare_addresses(&left->entry.address, &right->entry.address);
}

static size_t add_candidates(const struct prefix_list *list, uint32_t kind, uint32_t rank,
			     struct candidate *out)
{
	struct any_prefix address = {.family = 4};
	size_t count = 0, i;

	for (i = 0; i < list->nr_v4; i++) {
		address.v4 = list->v4[i];
		out[count++] = (struct candidate){{member_key(&address), kind}, rank};
	}
	address.family = 6;
	for (i = 0; i < list->nr_v6; i++) {
		address.v6 = list->v6[i];
		out[count++] = (struct candidate){{member_key(&address), kind}, rank};
	}
	return count;
}

/* An address that is several things is what ranks first. */
static size_t drop_duplicates(struct candidate *candidates, size_t count)
{
	size_t kept = 0, i;

	qsort(candidates, count, sizeof(*candidates), compare_candidates);
	for (i = 0; i < count; i++)
		if (!kept || compare_addresses(&candidates[kept - 1], &candidates[i]))
			candidates[kept++] = candidates[i];
	return kept;
}

int exempt_choose(const struct infrastructure *host, struct exempt *ret_exempt)
{
	const struct {
		const struct prefix_list *list;
		uint32_t kind;
	} ranks[] = {
		{&host->resolvers, SYNFW_EXEMPT_RESOLVER},
		{&host->dhcp_servers, SYNFW_EXEMPT_DHCP},
		{&host->default_gateways, SYNFW_EXEMPT_GATEWAY},
		{&host->gateways, SYNFW_EXEMPT_GATEWAY},
		{&host->own, SYNFW_EXEMPT_OWN},
	};
	const size_t nr_ranks = sizeof(ranks) / sizeof(*ranks);
	CLEANUP(cleanup_free) struct candidate *candidates = NULL;
	CLEANUP(exempt_done) struct exempt exempt = {0};
	size_t count = 0, i;

	for (i = 0; i < nr_ranks; i++)
		count += prefix_list_count(ranks[i].list);
	candidates = calloc(count + 1, sizeof(*candidates));
	exempt.entries = calloc(SYNFW_MAX_EXEMPT, sizeof(*exempt.entries));
	if (!candidates || !exempt.entries)
		return -ENOMEM;
	for (i = 0, count = 0; i < nr_ranks; i++)
		count += add_candidates(ranks[i].list, ranks[i].kind, (uint32_t)i,
					candidates + count);
	count = drop_duplicates(candidates, count);
	qsort(candidates, count, sizeof(*candidates), compare_ranks);
	for (i = 0; i < count; i++) {
		if (exempt.count < SYNFW_MAX_EXEMPT)
			exempt.entries[exempt.count++] = candidates[i].entry;
		else
			exempt.left_out[candidates[i].entry.kind]++;
	}
	qsort(exempt.entries, exempt.count, sizeof(*exempt.entries), compare_addresses);
	*ret_exempt = exempt;
	exempt = (struct exempt){0};
	return 0;
}

static const char *count_left_out(const struct exempt *exempt, uint32_t kind)
{
	return ui_count(exempt->left_out[kind], exempt_word(kind));
}

void exempt_note(const struct exempt *exempt, struct notes *notes)
{
	size_t left_out = 0, kind;

	for (kind = 0; kind < NR_KINDS; kind++)
		left_out += exempt->left_out[kind];
	if (!left_out)
		return;
	notes_add(notes,
		  "%zu addresses of gateways, servers and this host are never to be blocked, and "
		  "there is room for %d: left out are %s, %s, %s and %zu of this host's own",
		  exempt->count + left_out, SYNFW_MAX_EXEMPT,
		  count_left_out(exempt, SYNFW_EXEMPT_RESOLVER),
		  count_left_out(exempt, SYNFW_EXEMPT_DHCP),
		  count_left_out(exempt, SYNFW_EXEMPT_GATEWAY), exempt->left_out[SYNFW_EXEMPT_OWN]);
}

void exempt_done(struct exempt *exempt)
{
	free(exempt->entries);
	*exempt = (struct exempt){0};
}

/* ---- the map ---- */

/* As the kernel's batch calls want them. */
struct batch {
	struct synfw_addr6 key[SYNFW_MAX_EXEMPT];
	uint32_t value[SYNFW_MAX_EXEMPT];
	uint32_t count;
};

static void append(struct batch *batch, const struct exempt_entry *entry)
{
	batch->key[batch->count] = entry->address;
	batch->value[batch->count++] = entry->kind;
}

/* *ret is by address, and has room for SYNFW_MAX_EXEMPT. */
static int read_map(int map_fd, struct fault *fault, struct exempt *ret)
{
	CLEANUP(cleanup_free) struct batch *batch = calloc(1, sizeof(*batch));
	uint32_t token, i;

	if (!batch)
		return fault_system(fault, -ENOMEM, "cannot read the exempt addresses");
	batch->count = SYNFW_MAX_EXEMPT;
	/* a whole map fits: the kernel says with ENOENT that there is no more */
	if (bpf_map_lookup_batch(map_fd, NULL, &token, batch->key, batch->value, &batch->count,
				 NULL) &&
	    errno != ENOENT)
		return fault_system(fault, -errno, "cannot read the exempt addresses");
	for (i = 0; i < batch->count; i++)
		ret->entries[ret->count++] = (struct exempt_entry){batch->key[i], batch->value[i]};
	qsort(ret->entries, ret->count, sizeof(*ret->entries), compare_addresses);
	return 0;
}

static const struct exempt_entry *find(const struct exempt *exempt, const struct exempt_entry *key)
{
	return bsearch(key, exempt->entries, exempt->count, sizeof(*key), compare_addresses);
}

struct changes {
	struct batch write; /* new ones, and those of another kind */
	struct batch gone;
	size_t nr_new;
};

static void compare(const struct exempt *before, const struct exempt *after,
		    struct changes *changes)
{
	const struct exempt_entry *same;
	size_t i;

	for (i = 0; i < after->count; i++) {
		same = find(before, &after->entries[i]);
		if (!same)
			changes->nr_new++;
		if (!same || same->kind != after->entries[i].kind)
			append(&changes->write, &after->entries[i]);
	}
	for (i = 0; i < before->count; i++)
		if (!find(after, &before->entries[i]))
			append(&changes->gone, &before->entries[i]);
}

static int take_out(int map_fd, const struct batch *gone, uint32_t first, uint32_t count,
		    struct fault *fault)
{
	uint32_t done = count;

	if (count && bpf_map_delete_batch(map_fd, gone->key + first, &done, NULL))
		return fault_system(fault, -errno, "cannot take out exempt addresses");
	return 0;
}

static int write_map(int map_fd, const struct exempt *exempt, struct fault *fault)
{
	CLEANUP(cleanup_free) struct changes *changes = calloc(1, sizeof(*changes));
	CLEANUP(exempt_done) struct exempt before = {0};
	uint32_t count, early = 0;
	size_t both;
	int err;

	before.entries = calloc(SYNFW_MAX_EXEMPT, sizeof(*before.entries));
	if (!changes || !before.entries)
		return fault_system(fault, -ENOMEM, "cannot compare the exempt addresses");
	err = read_map(map_fd, fault, &before);
	if (err)
		return err;
	compare(&before, exempt, changes);
	both = before.count + changes->nr_new;
	if (both > SYNFW_MAX_EXEMPT)
		early = (uint32_t)(both - SYNFW_MAX_EXEMPT); /* make the room that there is not */
	err = take_out(map_fd, &changes->gone, 0, early, fault);
	if (err)
		return err;
	count = changes->write.count;
	if (count &&
	    bpf_map_update_batch(map_fd, changes->write.key, changes->write.value, &count, NULL))
		return fault_system(fault, -errno, "cannot add exempt addresses");
	return take_out(map_fd, &changes->gone, early, changes->gone.count - early, fault);
}

/* Bits before entries, and entries before bits: no packet finds an entry and its bit clear. */
int exempt_write(const struct object *object, const struct exempt *exempt, struct fault *fault)
{
	CLEANUP(filter_close) struct filter filter = FILTER_NONE;
	int err = filter_open(object, OBJECT_EXEMPT_FILTER, fault, &filter);
	size_t i;

	if (err)
		return err;
	for (i = 0; i < exempt->count; i++)
		filter_add(&filter, &exempt->entries[i].address);
	err = write_map(object->map_fd[OBJECT_EXEMPT], exempt, fault);
	if (err)
		return err;
	err = filter_keep(&filter, exempt->entries, exempt->count, sizeof(*exempt->entries));
	return err ? fault_system(fault, err, "cannot tidy up the exempt addresses") : 0;
}

int exempt_find(int map_fd, const struct synfw_addr6 *address, struct fault *fault,
		uint32_t *ret_kind)
{
	uint32_t kind = 0;

	if (bpf_map_lookup_elem(map_fd, address, &kind) && errno != ENOENT)
		return fault_system(fault, -errno, "cannot look into the exempt addresses");
	*ret_kind = kind;
	return 0;
}

int exempt_count_missing(int map_fd, const struct exempt *exempt, struct fault *fault,
			 size_t *ret_missing)
{
	size_t missing = 0, i;
	uint32_t kind;
	int err;

	for (i = 0; i < exempt->count; i++) {
		if (exempt->entries[i].kind == SYNFW_EXEMPT_OWN)
			continue;
		err = exempt_find(map_fd, &exempt->entries[i].address, fault, &kind);
		if (err)
			return err;
		missing += !kind;
	}
	*ret_missing = missing;
	return 0;
}
