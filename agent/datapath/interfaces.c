/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "interfaces.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

static void cleanup_nameindex(struct if_nameindex **names)
{
	if (*names)
		if_freenameindex(*names);
}

static bool is_glob(const char *pattern)
{
	return strpbrk(pattern, "*?[") != NULL;
}

static bool is_loopback(const char *name)
{
	return !strcmp(name, "lo");
}

static bool list_has(const struct interface_list *list, const char *name)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (!strcmp(list->items[i].name, name))
			return true;
	return false;
}

/* Adds an interface once; the first entry that names it decides how it is attached. */
static int list_add(struct interface_list *list, const struct if_nameindex *which,
		    enum attach_mode attach)
{
	struct interface *items;

	if (list_has(list, which->if_name))
		return 0;
	items = reallocarray(list->items, list->count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->count] = (struct interface){.ifindex = which->if_index, .attach = attach};
	snprintf(items[list->count].name, sizeof(items->name), "%s", which->if_name);
	list->count++;
	return 0;
}

/* Adds what one pattern names. Returns how many interfaces it named, or -errno. */
static int add_matching(struct interface_list *list, const struct if_nameindex *existing,
			const char *pattern, enum attach_mode attach)
{
	bool glob = is_glob(pattern);
	int matches = 0, err;

	for (; existing->if_index; existing++) {
		if (glob &&
		    (is_loopback(existing->if_name) || fnmatch(pattern, existing->if_name, 0)))
			continue;
		if (!glob && strcmp(pattern, existing->if_name))
			continue;
		err = list_add(list, existing, attach);
		if (err)
			return err;
		matches++;
	}
	return matches;
}

/* "eth0, wg0": what would work. */
static void list_existing(const struct if_nameindex *existing, char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (; existing->if_index && used < size; existing++)
		used += snprintf(text + used, size - used, "%s%s", used ? ", " : "",
				 existing->if_name);
}

static int add_from_policy(const struct policy *policy, const struct if_nameindex *existing,
			   struct diags *diags, struct interface_list *list)
{
	const struct policy_interface *wanted;
	char names[256];
	int matches;
	bool missing = false;

	for (wanted = policy->interfaces; wanted < policy->interfaces + policy->nr_interfaces;
	     wanted++) {
		matches = add_matching(list, existing, wanted->pattern, wanted->attach);
		if (matches < 0)
			return matches;
		if (matches)
			continue;
		list_existing(existing, names, sizeof(names));
		if (is_glob(wanted->pattern)) {
			diag_hint(diag_warning(diags, wanted->at, "no interface matches \"%s\" now",
					       wanted->pattern),
				  "this host has %s", names);
			continue;
		}
		diag_hint(diag_error(diags, wanted->at, "there is no interface \"%s\"",
				     wanted->pattern),
			  "this host has %s", names);
		missing = true;
	}
	return missing ? -EINVAL : 0;
}

/* How an interface that the user named is attached: as the policy says, where it names it too. */
static enum attach_mode attach_from_policy(const struct policy *policy, const char *name)
{
	size_t i;

	for (i = 0; i < policy->nr_interfaces; i++)
		if (!fnmatch(policy->interfaces[i].pattern, name, 0))
			return policy->interfaces[i].attach;
	return ATTACH_AUTO;
}

static int add_from_names(const struct policy *policy, const struct if_nameindex *existing,
			  char *const *names, size_t nr_names, struct fault *fault,
			  struct interface_list *list)
{
	char present[256];
	size_t i;
	int matches;

	for (i = 0; i < nr_names; i++) {
		matches = add_matching(list, existing, names[i],
				       attach_from_policy(policy, names[i]));
		if (matches < 0)
			return fault_system(fault, matches, "cannot list the interfaces");
		if (matches)
			continue;
		list_existing(existing, present, sizeof(present));
		return fault_refuse(fault, EXIT_USAGE,
				    "there is no interface \"%s\"; this host has %s", names[i],
				    present);
	}
	return 0;
}

int interfaces_resolve(const struct policy *policy, char *const *names, size_t nr_names,
		       struct diags *diags, struct fault *fault, struct interface_list *ret_list)
{
	CLEANUP(interface_list_done) struct interface_list list = {0};
	CLEANUP(cleanup_nameindex) struct if_nameindex *existing = if_nameindex();
	int err;

	if (!existing)
		return fault_system(fault, -errno, "cannot list the interfaces");
	if (nr_names)
		err = add_from_names(policy, existing, names, nr_names, fault, &list);
	else
		err = add_from_policy(policy, existing, diags, &list);
	if (err)
		return err;
	if (!list.count)
		return fault_refuse(fault, EXIT_USAGE,
				    policy->nr_interfaces
					    ? "no interface of \"%s\" exists on this host; name "
					      "one with --interface"
					    : "\"%s\" names no interface; add `interfaces:` or "
					      "use --interface",
				    policy->file);
	if (list.count > SYNFW_MAX_INTERFACES)
		return fault_refuse(fault, EXIT_POLICY,
				    "\"%s\" selects %zu interfaces; at most %d are supported",
				    policy->file, list.count, SYNFW_MAX_INTERFACES);
	*ret_list = list;
	list = (struct interface_list){0};
	return 0;
}

static uint32_t slot_in_manifest(const struct manifest *live, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < live->nr_interfaces; i++)
		if (live->interfaces[i].ifindex == ifindex)
			return live->interfaces[i].slot;
	return 0;
}

int interfaces_assign_slots(const struct manifest *live, struct interface_list *list)
{
	static const struct manifest nothing;
	bool taken[SYNFW_MAX_INTERFACES + 1] = {true}; /* 0 stands for an unknown interface */
	uint32_t slot;
	size_t i;

	if (!live)
		live = &nothing;
	for (i = 0; i < live->nr_interfaces; i++)
		taken[live->interfaces[i].slot] = true;
	for (i = 0; i < list->count; i++) {
		slot = slot_in_manifest(live, list->items[i].ifindex);
		if (!slot) {
			while (slot <= SYNFW_MAX_INTERFACES && taken[slot])
				slot++;
			if (slot > SYNFW_MAX_INTERFACES)
				return -ENOSPC;
			taken[slot] = true;
		}
		list->items[i].slot = slot;
	}
	return 0;
}

const struct interface *interfaces_find(const struct interface_list *list, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (list->items[i].ifindex == ifindex)
			return &list->items[i];
	return NULL;
}

void interface_list_done(struct interface_list *list)
{
	free(list->items);
	*list = (struct interface_list){0};
}

int interface_table_read(const struct object *object, struct fault *fault,
			 struct interface_table *ret_table)
{
	uint32_t keys[SYNFW_INTERFACE_ENTRIES], last, count = SYNFW_INTERFACE_ENTRIES, key;
	int fd = object->map_fd[OBJECT_INTERFACES], err;
	struct interface_table table;

	/* a batch that takes the whole array may end with ENOENT */
	err = bpf_map_lookup_batch(fd, NULL, &last, keys, table.entry, &count, NULL);
	if ((err && err != -ENOENT) || count != SYNFW_INTERFACE_ENTRIES)
		for (key = 0; key < SYNFW_INTERFACE_ENTRIES; key++)
			if (bpf_map_lookup_elem(fd, &key, &table.entry[key]))
				return fault_system(fault, -errno,
						    "cannot read the interface table");
	*ret_table = table;
	return 0;
}

int interface_table_set(struct interface_table *table, uint32_t ifindex, uint32_t slot)
{
	struct synfw_interface *entry, *place = NULL;
	uint32_t probe;

	for (probe = 0; probe < SYNFW_INTERFACE_PROBES; probe++) {
		entry = &table->entry[(ifindex + probe) % SYNFW_INTERFACE_ENTRIES];
		if (entry->ifindex == ifindex) {
			entry->slot = slot;
			return 0;
		}
		if (!entry->ifindex && !place)
			place = entry;
	}
	if (!place)
		return -ENOSPC;
	*place = (struct synfw_interface){.ifindex = ifindex, .slot = slot};
	return 0;
}

void interface_table_retain(struct interface_table *table, const struct interface_list *list)
{
	struct synfw_interface *entry;

	for (entry = table->entry; entry < table->entry + SYNFW_INTERFACE_ENTRIES; entry++)
		if (entry->ifindex && !interfaces_find(list, entry->ifindex))
			*entry = (struct synfw_interface){0};
}

int interface_table_write(const struct object *object, const struct interface_table *from,
			  const struct interface_table *to, struct fault *fault)
{
	uint32_t key;

	for (key = 0; key < SYNFW_INTERFACE_ENTRIES; key++) {
		if (!memcmp(&from->entry[key], &to->entry[key], sizeof(to->entry[key])))
			continue;
		if (bpf_map_update_elem(object->map_fd[OBJECT_INTERFACES], &key, &to->entry[key],
					BPF_EXIST))
			return fault_system(fault, -errno, "cannot write the interface table");
	}
	return 0;
}

int interfaces_describe(const struct interface_list *list, struct manifest *manifest)
{
	const struct interface *from;
	size_t i;

	manifest->interfaces = calloc(list->count + 1, sizeof(*manifest->interfaces));
	for (i = 0; manifest->interfaces && i < list->count; i++) {
		from = &list->items[i];
		manifest->interfaces[i] = (struct manifest_interface){
			.name = strdup(from->name),
			.ifindex = from->ifindex,
			.slot = from->slot,
			.attach = from->attach,
		};
		manifest->nr_interfaces++;
		if (!manifest->interfaces[i].name)
			return -ENOMEM;
	}
	return manifest->interfaces ? 0 : -ENOMEM;
}
