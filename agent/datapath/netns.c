/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "netns.h"

#include <string.h>
#include <sys/stat.h>

#include <synfw/cleanup.h>

char *netns_identity(void)
{
	struct stat st;

	if (stat("/proc/self/ns/net", &st))
		return NULL;
	return path_format("%llu:%llu", (unsigned long long)st.st_dev,
			   (unsigned long long)st.st_ino);
}

/* Links whose interfaces are gone protect nothing: their namespace may be gone as well, and must
 * not be asked for. */
static bool protects_something(const struct live *live)
{
	size_t i;

	for (i = 0; i < live->links.count; i++)
		if (live->links.items[i].ifindex)
			return true;
	return false;
}

static const char *inode_of(const char *identity)
{
	const char *colon = strchr(identity, ':');

	return colon ? colon + 1 : identity;
}

int netns_check(const struct paths *paths, const struct live *live, struct fault *fault)
{
	CLEANUP(cleanup_free) char *here = netns_identity();
	const char *there = live->manifest ? live->manifest->netns : NULL;

	if (!here || !there || !strcmp(here, there) || !protects_something(live))
		return 0;
	return fault_refuse(fault, EXIT_REFUSED,
			    "the policy in \"%s\" protects another network namespace, net:[%s]; "
			    "this is net:[%s]. To change that policy, run `nsenter "
			    "--net=/run/netns/NAME synfw ...`; to protect this namespace too, "
			    "give it its own SYNFW_BPFFS",
			    paths->bpffs, inode_of(there), inode_of(here));
}

int netns_check_directory(const struct paths *paths, const char *dir, struct fault *fault)
{
	CLEANUP(live_close) struct live live = LIVE_NONE;
	CLEANUP(fault_done) struct fault unreadable = {0};

	if (live_open(dir, &unreadable, &live))
		return 0;
	return netns_check(paths, &live, fault);
}
