/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "harness/trial.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bpf.h>

#include "model/image_eval.h"
#include "harness/trial_minimise.h"

static const char *const reason_words[SYNFW_NR_REASONS] = {
#define REASON_WORD(code, NAME, word, sentence) [code] = (word),
	SYNFW_REASONS(REASON_WORD)
#undef REASON_WORD
};

const char *reason_word(enum synfw_reason reason)
{
	return reason < SYNFW_NR_REASONS ? reason_words[reason] : "(no reason)";
}

static struct policy_set *set_of_member(const struct trial *trial,
					const struct policy_member *member)
{
	struct policy *policy = trial->compiled.policy;

	for (size_t i = 0; i < policy->nr_named_sets; i++)
		if (!strcmp(policy->sets[i].name, member->set))
			return &policy->sets[i];
	return NULL;
}

/* The compiler is done with the policy: the prefixes of a dynamic set are its members from here on,
 * for the reference model, for the image and for whoever makes packets. */
static int members_list(struct trial *trial, struct policy_set *set)
{
	int err = 0;

	prefix_list_done(&set->prefixes);
	for (size_t i = 0; !err && i < trial->text->nr_members; i++) {
		const struct policy_member *member = &trial->text->members[i];

		if (member->state == MEMBER_LIVE && set_of_member(trial, member) == set)
			err = prefix_list_add(&set->prefixes, &member->address);
	}
	prefix_list_normalise(&set->prefixes);
	return err;
}

static int member_put(struct trial *trial, size_t index)
{
	const struct policy_member *member = &trial->text->members[index];
	struct policy_set *set = set_of_member(trial, member);
	int err;

	if (!set || !set->dynamic)
		return -EINVAL;
	err = datapath_put_member(trial->datapath, set->number, &member->address, member->state);
	return err ? err : members_list(trial, set);
}

static int members_put(struct trial *trial)
{
	int err = 0;

	for (size_t i = 0; !err && i < trial->text->nr_members; i++)
		err = member_put(trial, i);
	return err;
}

int trial_change_member(struct trial *trial, size_t index, enum member_state state)
{
	trial->text->members[index].state = state;
	return member_put(trial, index);
}

int trial_begin(struct trial *trial, struct datapath *datapath, struct trial_totals *totals,
		const struct policy_text *text, const struct policyc_options *options, FILE *errors)
{
	struct trial made = {
		.datapath = datapath, .totals = totals, .text = text, .options = options};
	int err;

	err = policy_text_compile(text, options, errors, &made.compiled);
	if (err)
		return err;
	made.rules = calloc(made.compiled.policy->nr_rules + 1, sizeof(*made.rules));
	err = made.rules ? 0 : -ENOMEM;
	if (!err)
		err = reference_init(&made.reference, made.compiled.policy, options);
	if (!err)
		err = datapath_apply(datapath, made.compiled.image);
	if (!err)
		err = members_put(&made);
	if (err) {
		if (errors)
			fprintf(errors, "the image cannot be loaded: %s\n", strerror(-err));
		trial_end(&made);
		return err;
	}
	*trial = made;
	return 0;
}

void trial_end(struct trial *trial)
{
	reference_done(&trial->reference);
	compiled_done(&trial->compiled);
	free(trial->rules);
	*trial = (struct trial){};
}

/* Books what the live program must have counted for the frame that the reference just judged. */
static void expect_counters(struct trial *trial, const struct judgement *judgement, size_t length,
			    uint32_t slot, bool dropped)
{
	const struct policy *policy = trial->compiled.policy;
	struct synfw_reason_counter *reason = &trial->totals->reasons[slot][judgement->reason];

	reason->packets++;
	reason->bytes += length;
	reason->dropped += dropped;
	for (size_t i = 0; i < trial->reference.nr_counted; i++) {
		uint32_t number = trial->reference.counted[i];
		const struct policy_rule *rule = &policy->rules[number];

		trial->rules[number].packets++;
		trial->rules[number].bytes += length;
		if (rule->action == SYNFW_ACTION_DROP && (rule->monitor || policy->monitor))
			trial->rules[number].would_drop++;
	}
}

int trial_ask(struct trial *trial, const uint8_t *frame, size_t length,
	      const struct policyc_interface *interface, struct answers *ret_answers)
{
	uint32_t slot = interface ? interface->slot : 0;
	struct answers answers;
	bool dropped;
	int err;

	answers.reference = reference_judge(&trial->reference, frame, length,
					    interface ? interface->name : NULL);
	answers.image =
		image_judge(trial->compiled.image, trial->compiled.policy, frame, length, slot);
	err = datapath_trace(trial->datapath, frame, length, slot, &answers.bpf);
	if (err)
		return err;
	err = datapath_run(trial->datapath, frame, length, slot, &answers.action);
	if (err)
		return err;
	dropped = answers.reference.verdict == SYNFW_DROP && !trial->compiled.policy->monitor;
	answers.expected_action = dropped ? XDP_DROP : XDP_PASS;
	expect_counters(trial, &answers.reference, length, slot, dropped);
	trial->totals->checks++;
	*ret_answers = answers;
	return 0;
}

static bool judgements_agree(const struct judgement *a, const struct judgement *b)
{
	return a->verdict == b->verdict && a->reason == b->reason && a->rule == b->rule &&
	       a->score == b->score;
}

bool answers_agree(const struct answers *answers)
{
	return judgements_agree(&answers->reference, &answers->image) &&
	       judgements_agree(&answers->reference, &answers->bpf) &&
	       answers->action == answers->expected_action;
}

static void print_judgement(const struct trial *trial, const char *who,
			    const struct judgement *judgement)
{
	const struct policy *policy = trial->compiled.policy;
	const char *rule = "-";

	if (judgement->rule != REFERENCE_NO_RULE)
		rule = judgement->rule < policy->nr_rules ? policy->rules[judgement->rule].name
							  : "(no such rule)";
	fprintf(stderr, "  %-10s %-5s reason %-16s rule %-8s score %u\n", who,
		judgement->verdict == SYNFW_DROP ? "drop" : "allow", reason_word(judgement->reason),
		rule, judgement->score);
}

void trial_print_answers(const struct trial *trial, const struct answers *answers)
{
	print_judgement(trial, "reference", &answers->reference);
	print_judgement(trial, "image", &answers->image);
	print_judgement(trial, "bpf", &answers->bpf);
	fprintf(stderr, "  %-10s %u, expected %u\n", "action", answers->action,
		answers->expected_action);
}

bool trial_agrees(struct trial *trial, const uint8_t *frame, size_t length,
		  const struct policyc_interface *interface, struct answers *ret_answers)
{
	struct answers answers;
	int err = trial_ask(trial, frame, length, interface, &answers);

	if (err) {
		fprintf(stderr, "a frame of %zu bytes cannot be run: %s\n", length, strerror(-err));
		return false;
	}
	if (ret_answers)
		*ret_answers = answers;
	if (answers_agree(&answers))
		return true;
	fprintf(stderr, "disagreement:\n");
	trial_print_answers(trial, &answers);
	trial_minimise(trial, frame, length, interface);
	return false;
}

static bool reasons_agree(const struct trial *trial, uint32_t slot)
{
	bool agree = true;

	for (int reason = 0; reason < SYNFW_NR_REASONS; reason++) {
		const struct synfw_reason_counter *want = &trial->totals->reasons[slot][reason];
		struct synfw_reason_counter have = {};
		int err = datapath_reason_counter(trial->datapath, slot, reason, &have);

		if (!err && memcmp(want, &have, sizeof(have)) == 0)
			continue;
		fprintf(stderr,
			"reason %s of interface slot %u: %" PRIu64 "/%" PRIu64 "/%" PRIu64
			" packets/bytes/dropped are counted, expected %" PRIu64 "/%" PRIu64
			"/%" PRIu64 "\n",
			reason_word(reason), slot, (uint64_t)have.packets, (uint64_t)have.bytes,
			(uint64_t)have.dropped, (uint64_t)want->packets, (uint64_t)want->bytes,
			(uint64_t)want->dropped);
		agree = false;
	}
	return agree;
}

static bool rules_agree(const struct trial *trial)
{
	const struct policy *policy = trial->compiled.policy;
	bool agree = true;

	for (size_t i = 0; i < policy->nr_rules; i++) {
		const struct synfw_rule_counter *want = &trial->rules[i];
		struct synfw_rule_counter have = {};
		int err = datapath_rule_counter(trial->datapath, i, &have);

		if (!err && memcmp(want, &have, sizeof(have)) == 0)
			continue;
		fprintf(stderr,
			"rule %s: %" PRIu64 "/%" PRIu64 "/%" PRIu64
			" packets/bytes/would-drop are counted, expected %" PRIu64 "/%" PRIu64
			"/%" PRIu64 "\n",
			policy->rules[i].name, (uint64_t)have.packets, (uint64_t)have.bytes,
			(uint64_t)have.would_drop, (uint64_t)want->packets, (uint64_t)want->bytes,
			(uint64_t)want->would_drop);
		agree = false;
	}
	return agree;
}

bool trial_counters_agree(const struct trial *trial)
{
	bool agree = rules_agree(trial);

	agree &= reasons_agree(trial, 0);
	for (size_t i = 0; i < trial->options->nr_interfaces; i++)
		agree &= reasons_agree(trial, trial->options->interfaces[i].slot);
	return agree;
}
