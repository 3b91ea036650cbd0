/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_MANIFEST_H
#define SYNFW_AGENT_MANIFEST_H

/*
 * What the kernel's tables cannot say about a policy: names, lines, texts, which counter belongs
 * to which rule. It is stored inside the tables, so that it appears and disappears with them and
 * no state outside the kernel is needed.
 */
#include <policyc.h>

struct manifest_rule {
	char *name;
	uint32_t line;
	enum synfw_rule_action action;
	uint32_t score;
	bool monitor;
	char *description; /* of the policy, or NULL */
	char *text;	   /* policy_rule_describe() */
	bool listed;	   /* it names sources, not everybody, and all in the policy itself */
	bool remembered;   /* what is remembered of sources may name it: it gives points, limits or
			    * blocks, or did so in a policy before */
	uint32_t counter;  /* slot in synfw_rule_counters */
	uint32_t since;	   /* revision of the policy in which it got that */
};

/* A rule on processes or memory. */
struct manifest_process_rule {
	char *name;
	uint32_t line;
	enum synfw_process_trigger trigger; /* SYNFW_ON_EXEC: of `processes`, else of `memory` */
	enum synfw_process_action action, fallback;
	uint32_t score;
	bool monitor, peers;
	char *description; /* of the policy, or NULL */
	char *text;	   /* policy_process_rule_describe(), policy_memory_rule_describe() */
	uint32_t counter;  /* slot in synfw_process_counters */
};

struct manifest_protect {
	uint32_t line;
	char *text;
	bool listed; /* it names sources, not everybody, and all in the policy itself */
};

struct manifest_set {
	char *name;
	uint64_t entries4, entries6;
	char *digest;	     /* of the members */
	char *file;	     /* or NULL */
	uint64_t max_age_ns; /* 0: none */
	uint64_t mtime_ns;   /* of the file when it was read */
	bool dynamic;  /* its members are none of the policy's: entries and digest say nothing */
	uint32_t size; /* dynamic: members that it has room for */
	uint64_t timeout_ns; /* dynamic: of members that do not say theirs; 0: forever */
};

struct manifest_interface {
	char *name;
	uint32_t ifindex;
	uint32_t slot;
	enum attach_mode attach;
};

struct manifest_process_scoring {
	char *text; /* policy_process_scoring_describe(); NULL: no such section, all else is 0 */
	uint32_t line;
	enum synfw_process_action action, fallback; /* as of struct process_scoring; 0: no act-at */
};

struct manifest_default {
	char *name;
	char *choice;
};

struct manifest {
	char *policy;	   /* name */
	char *description; /* or NULL */
	char *file;
	char *digest;	      /* image_digest() */
	char *infrastructure; /* infrastructure_digest() when it was applied; NULL: not protected */
	char *netns;	      /* netns_identity() of where it was applied, or NULL */
	char *scoring;	      /* policy_scoring_describe(), or NULL */
	char *logging;	      /* policy_logging_describe(), or NULL */
	struct manifest_process_scoring process_scoring;
	bool hides_process_events, hides_memory_events; /* `logging.events` does not name them */
	char *process_hooks;  /* words of the hooks that it needs, with spaces; NULL: none */
	char *process_digest; /* process_object_digest() in hex of what they run, or NULL */
	bool monitor;
	uint64_t revision;
	uint64_t applied_at_ns; /* CLOCK_REALTIME */
	struct manifest_rule *rules;
	size_t nr_rules;
	struct manifest_process_rule
		*process_rules; /* those of `processes`, then those of `memory` */
	size_t nr_process_rules;
	struct manifest_protect *protects;
	size_t nr_protects;
	struct manifest_protect *program_protects; /* of programs; not listed */
	size_t nr_program_protects;
	struct manifest_set *sets;
	size_t nr_sets;
	struct manifest_interface *interfaces;
	size_t nr_interfaces;
	struct manifest_default *defaults;
	size_t nr_defaults;
};

/* The manifest of a parsed policy: everything but digest, revision, times, counters and
 * interfaces. 0 or -ENOMEM. */
int manifest_from_policy(const struct policy *policy, struct manifest **ret_manifest);

/* One JSON object in UTF-8. 0 or -ENOMEM. The caller frees the text. */
int manifest_to_text(const struct manifest *manifest, char **ret_text, size_t *ret_length);

/* Reads what manifest_to_text wrote. -EINVAL when it is something else: keys are missing, of
 * another type or out of range. Unknown keys are ignored. */
int manifest_from_text(const char *text, size_t length, struct manifest **ret_manifest);

/* Appends the manifest to the lines of an image and points its header there. 0, -ENOMEM, or
 * -E2BIG when the image would exceed what line numbers can address. */
int manifest_append(const struct manifest *manifest, struct image *image);

void manifest_free(struct manifest *manifest);
void manifest_freep(struct manifest **manifest);

/* The rule that synfw_process_rule.index means, or NULL. */
const struct manifest_process_rule *manifest_process_rule(const struct manifest *manifest,
							  uint32_t index);

const char *manifest_process_action_word(enum synfw_process_action action);
const char *manifest_trigger_word(enum synfw_process_trigger trigger);
const char *manifest_action_word(enum synfw_rule_action action);
const char *manifest_attach_word(enum attach_mode attach);

#endif
