/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_NETNS_H
#define SYNFW_AGENT_NETNS_H

/*
 * A datapath belongs to the network namespace that it was applied in: interface indexes mean
 * nothing in others. An apply or detach elsewhere would take the protection of interfaces away
 * that it does not even see.
 */
#include "base/paths.h"
#include "live.h"

/* A word for this process's network namespace, for the manifest. NULL: it cannot be told. */
char *netns_identity(void);

/* Refuses a datapath that protects interfaces of another network namespace. One that does not say
 * where it was applied is accepted. */
int netns_check(const struct paths *paths, const struct live *live, struct fault *fault);

/* As netns_check(), for what is pinned in `dir`, if it can be read. */
int netns_check_directory(const struct paths *paths, const char *dir, struct fault *fault);

#endif
