/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_REFERENCE_H
#define TESTS_BPF_REFERENCE_H

/*
 * The reference model: a deliberately naive interpreter of a parsed policy. It loops over the rules
 * and asks each key of each rule, in the words of policy-language.yaml and docs/decisions/0002. It
 * knows nothing of classes and vectors and exists to disagree with them.
 */
#include <stddef.h>
#include <stdint.h>

#include <policyc.h>
#include <synfw/abi.h>
#include <synfw/reasons.h>

#include "model/reference_packet.h"

#define REFERENCE_NO_RULE UINT32_MAX

/* What a packet comes to. Also what the image and the BPF program are asked for. */
struct judgement {
	enum synfw_verdict verdict; /* before the policy's monitor mode */
	enum synfw_reason reason;
	uint32_t rule; /* place in the policy of the rule that decided */
	uint32_t score;
};

/* What a packet is judged by besides itself. All 0: it is the first ever. */
struct circumstances {
	bool established; /* it belongs to a connection of this host, if its kind can */
	/* Whether the packet exceeds the limit of the rule at that place in the policy. Asked in
	 * the order of the rules, and only when everything else of the rule matches. NULL: never.
	 */
	bool (*exceeds)(void *context, uint32_t rule);
	void *context;
};

/* What the rules that matched, monitoring ones left out, do to the packet's source. */
struct consequences {
	uint64_t block_ns;  /* the longest `block`; 0: none */
	uint32_t add_to;    /* bit n: into the dynamic set of number n */
	uint32_t nr_logged; /* rules with `log` */
};

/* Whether packets of this kind can belong to a connection: of normal shape, with ports, replies to
 * echo requests and errors that are about such packets. */
bool reference_can_be_established(const struct reference_packet *packet);

/* What struct synfw_rule.index says, as judgement.rule: protect and defaults are no rules. */
static inline uint32_t judgement_rule(uint32_t index)
{
	return index < SYNFW_MAX_RULES ? index : REFERENCE_NO_RULE;
}

struct reference {
	const struct policy *policy;
	const struct policyc_options *options;
	struct circumstances circumstances; /* of the next packet; the caller's to set */
	/* private: what is known of the packet's addresses, one byte a set */
	uint8_t *source_in_set, *destination_in_set;
	bool established; /* private: the packet in hand is */
	/* Rules that reference_judge() passed over with a count (score, monitor), in their order,
	 * then the one that decided. */
	uint32_t *counted;
	size_t nr_counted;
	struct consequences consequences; /* of the last packet */
};

/* Both are borrowed. 0 or -ENOMEM. */
int reference_init(struct reference *reference, const struct policy *policy,
		   const struct policyc_options *options);
void reference_done(struct reference *reference);

/* Membership by linear scan. `addr` is in network order, IPv4 in the first four bytes. */
bool reference_list_contains(const struct prefix_list *list, uint8_t family, const uint8_t *addr);

/* Judges a frame that came in on `interface`, which may be NULL: none that the policy knows. */
struct judgement reference_judge(struct reference *reference, const uint8_t *frame, size_t length,
				 const char *interface);

#endif
