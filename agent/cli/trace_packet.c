/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "trace_packet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "apply/offline.h"
#include "datapath/counters.h"
#include "datapath/live.h"

struct trace_subject {
	struct shadow shadow;
	struct live live;	     /* in force: names, */
	struct synfw_rule *rules;    /* and what its bits stand for */
	const struct policy *policy; /* or a policy that is not, its image, */
	struct image *image;
	struct manifest *manifest; /* and its names */
	struct rule_names names;   /* by the counters of either */
};

static struct trace_subject *subject_new(void)
{
	struct trace_subject *subject = calloc(1, sizeof(*subject));

	if (subject)
		*subject = (struct trace_subject){.shadow = SHADOW_NONE, .live = LIVE_NONE};
	return subject;
}

void trace_subject_freep(struct trace_subject **subject)
{
	if (!*subject)
		return;
	shadow_close(&(*subject)->shadow);
	rule_names_close(&(*subject)->names);
	live_close(&(*subject)->live);
	image_free((*subject)->image);
	manifest_free((*subject)->manifest);
	free((*subject)->rules);
	free(*subject);
	*subject = NULL;
}

/* Rules get the counters that an apply would give them: rates and ports tried go by those. */
static int name_rules(struct trace_subject *subject, const struct live *live, struct fault *fault)
{
	int err = manifest_from_policy(subject->policy, &subject->manifest);

	if (!err)
		err = counters_assign(live->manifest, subject->manifest);
	if (!err)
		err = rule_names_open(subject->manifest, &subject->names);
	if (err)
		return fault_system(fault, err, "cannot name the rules");
	counters_number(subject->manifest, subject->image);
	return 0;
}

/* What is in force lends what it remembers: members of sets of the same name, blocks, scores,
 * connections. */
static int open_shadow(struct trace_subject *subject, const struct paths *paths,
		       struct fault *fault)
{
	CLEANUP(live_close) struct live live = LIVE_NONE;
	CLEANUP(tables_close) struct tables tables = TABLES_NONE;
	int err = live_open(paths->live, fault, &live);

	if (!err)
		err = name_rules(subject, &live, fault);
	if (!err)
		err = tables_create(subject->image, fault, &tables);
	if (!err)
		err = dynamic_create(subject->policy, live.present ? &live.tables.dynamic : NULL,
				     fault, &tables.dynamic);
	if (!err)
		err = shadow_open(&tables, live.present ? &live.object : NULL, fault,
				  &subject->shadow);
	return err;
}

int trace_subject_from_policy(const struct paths *paths, struct policy_file *file,
			      struct fault *fault, struct trace_subject **ret_subject)
{
	CLEANUP(trace_subject_freep) struct trace_subject *subject = subject_new();
	CLEANUP(infrastructure_done) struct infrastructure host = {0};
	int err = 0;

	if (!subject)
		return fault_system(fault, -ENOMEM, "cannot trace");
	subject->policy = file->policy;
	if (infrastructure_is_protected(file->policy))
		err = infrastructure_read(fault, &host);
	if (!err)
		err = offline_compile(file, &host, fault, &subject->image);
	if (!err)
		err = open_shadow(subject, paths, fault);
	if (err)
		return err;
	*ret_subject = TAKE_PTR(subject);
	return 0;
}

int trace_subject_from_live(const struct paths *paths, struct fault *fault,
			    struct trace_subject **ret_subject)
{
	CLEANUP(trace_subject_freep) struct trace_subject *subject = subject_new();
	int err;

	if (!subject)
		return fault_system(fault, -ENOMEM, "cannot trace");
	err = live_open(paths->live, fault, &subject->live);
	if (err)
		return err;
	if (!subject->live.tables.nr_pages)
		return fault_refuse(fault, EXIT_USAGE,
				    "no policy is in force; name one with --policy FILE");
	err = live_read_rules(&subject->live, fault, &subject->rules);
	if (!err && rule_names_open(subject->live.manifest, &subject->names))
		err = fault_system(fault, -ENOMEM, "cannot trace");
	if (!err)
		err = shadow_open(&subject->live.tables, &subject->live.object, fault,
				  &subject->shadow);
	if (err)
		return err;
	*ret_subject = TAKE_PTR(subject);
	return 0;
}

const char *trace_subject_file(const struct trace_subject *subject)
{
	if (subject->policy)
		return subject->policy->file;
	return subject->live.manifest ? subject->live.manifest->file : "policy";
}

static uint32_t live_slot(const struct manifest *manifest, const char *interface)
{
	size_t i;

	for (i = 0; manifest && i < manifest->nr_interfaces; i++)
		if (!interface || !strcmp(manifest->interfaces[i].name, interface))
			return manifest->interfaces[i].slot;
	return 0;
}

uint32_t trace_subject_slot(const struct trace_subject *subject, const char *interface)
{
	if (subject->policy)
		return offline_slot(subject->policy, interface);
	return live_slot(subject->live.manifest, interface);
}

/* The place in the policy of the rule that a bit of the vectors stands for. */
static uint32_t rule_index(const struct trace_subject *subject, uint32_t bit)
{
	if (subject->policy)
		return image_rule_const(subject->image, bit)->index;
	return bit < subject->live.header.nr_bits ? subject->rules[bit].index : SYNFW_NO_BIT;
}

static void name_rule(const struct trace_subject *subject, uint32_t index,
		      struct trace_verdict *verdict)
{
	const struct manifest *manifest = subject->live.manifest;

	if (subject->policy && index < subject->policy->nr_rules) {
		verdict->rule = subject->policy->rules[index].name;
		verdict->line = subject->policy->rules[index].at.line;
	} else if (manifest && index < manifest->nr_rules) {
		verdict->rule = manifest->rules[index].name;
		verdict->line = manifest->rules[index].line;
	}
}

int trace_subject_judge(const struct trace_subject *subject, uint32_t slot, const void *frame,
			uint32_t length, struct fault *fault, struct trace_verdict *ret_verdict)
{
	struct trace_verdict verdict = {.names = &subject->names};
	int err = shadow_judge(&subject->shadow, slot, frame, length, fault, &verdict.trace);

	if (err)
		return err;
	if (verdict.trace.bit != SYNFW_NO_BIT)
		name_rule(subject, rule_index(subject, verdict.trace.bit), &verdict);
	*ret_verdict = verdict;
	return 0;
}
