/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "served.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/mman.h>

static void add_range(const struct port_range *range, struct served *served)
{
	uint32_t port;

	if (range->proto && range->proto != IPPROTO_UDP)
		return;
	for (port = range->first; port <= range->last; port++)
		served->words[port / 64] |= 1ULL << port % 64;
}

void served_ports(const struct policy *policy, struct served *ret_served)
{
	const struct policy_rule *rule;
	size_t i;

	*ret_served = (struct served){0};
	for (rule = policy->rules; rule < policy->rules + policy->nr_rules; rule++)
		if (rule->action == SYNFW_ACTION_ALLOW && !rule->monitor)
			for (i = 0; i < rule->match.nr_to; i++)
				add_range(&rule->match.to[i], ret_served);
}

int served_write(const struct served *served, const struct object *object, struct fault *fault)
{
	uint64_t *words = mmap(NULL, sizeof(served->words), PROT_READ | PROT_WRITE, MAP_SHARED,
			       object->map_fd[OBJECT_SERVED_UDP], 0);
	uint32_t i;

	if (words == MAP_FAILED)
		return fault_system(fault, -errno, "cannot map the ports that are served");
	for (i = 0; i < SYNFW_SERVED_WORDS; i++)
		__atomic_store_n(&words[i], served->words[i], __ATOMIC_RELAXED);
	munmap(words, sizeof(served->words));
	return 0;
}
