/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_INTERFACES_H
#define SYNFW_AGENT_INTERFACES_H

/* The interfaces that a policy is attached to, and their slots. */
#include <net/if.h>

#include "object.h"
#include "policy/manifest.h"

struct interface {
	char name[IF_NAMESIZE];
	uint32_t ifindex;
	uint32_t slot; /* 1 to SYNFW_MAX_INTERFACES */
	enum attach_mode attach;
};

struct interface_list {
	struct interface *items;
	size_t count;
};

/*
 * Expands what the policy names, or `names` when the user gave some, in this network namespace.
 * An exact name must exist; a glob may match nothing, which is a warning, and never selects the
 * loopback interface. No interface at all is an error. Errors in the policy are diagnostics at the
 * line that names the interface (-EINVAL); errors in `names` are faults.
 */
int interfaces_resolve(const struct policy *policy, char *const *names, size_t nr_names,
		       struct diags *diags, struct fault *fault, struct interface_list *ret_list);

/* Every interface keeps the slot that it has in `live` (NULL: nothing is live); others get slots
 * that `live` does not use. -ENOSPC when there are none left. */
int interfaces_assign_slots(const struct manifest *live, struct interface_list *list);

/* Names them in a manifest. 0 or -ENOMEM. */
int interfaces_describe(const struct interface_list *list, struct manifest *manifest);

const struct interface *interfaces_find(const struct interface_list *list, uint32_t ifindex);

void interface_list_done(struct interface_list *list);

/* The kernel's table ifindex -> slot. */
struct interface_table {
	struct synfw_interface entry[SYNFW_INTERFACE_ENTRIES];
};

int interface_table_read(const struct object *object, struct fault *fault,
			 struct interface_table *ret_table);

/* Pure: puts an interface where the program will look. -ENOSPC when those places are taken. */
int interface_table_set(struct interface_table *table, uint32_t ifindex, uint32_t slot);

/* Pure: empties the entries of interfaces that are not in the list. */
void interface_table_retain(struct interface_table *table, const struct interface_list *list);

/* Writes the entries of `to` that differ from `from`. */
int interface_table_write(const struct object *object, const struct interface_table *from,
			  const struct interface_table *to, struct fault *fault);

#endif
