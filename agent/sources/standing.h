/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_STANDING_H
#define SYNFW_AGENT_STANDING_H

/*
 * What the policy in force says of an address as a source: whether anything can be held against it,
 * and which entries name it. The shadow program looks the address up, as the packet path does.
 */
#include "datapath/live.h"
#include "datapath/shadow.h"

struct standing {
	uint32_t exempt;   /* enum synfw_exempt, 0: it is not */
	bool is_protected; /* some entry of `protect` names it */
	uint32_t source_class;
};

struct standing_reader {
	const struct live *live; /* borrowed */
	struct shadow shadow;
};

#define STANDING_READER_NONE                        \
	{                                           \
		.live = NULL, .shadow = SHADOW_NONE \
	}

/* A policy has to be in force. */
int standing_open(const struct live *live, struct fault *fault, struct standing_reader *ret_reader);
void standing_close(struct standing_reader *reader);

int standing_read(const struct standing_reader *reader, const struct any_prefix *address,
		  struct fault *fault, struct standing *ret_standing);

/* The entries of the policy that name a class of sources, by their places in the manifest: a flag
 * for each protect entry and each rule. Entries with dynamic sets are not looked at. */
struct standing_entries {
	bool *protects;
	bool *rules;
};

int standing_find_entries(const struct live *live, uint32_t source_class, struct fault *fault,
			  struct standing_entries *ret_entries);
void standing_entries_done(struct standing_entries *entries);

#endif
