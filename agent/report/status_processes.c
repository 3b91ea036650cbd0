/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "status_processes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "base/json.h"
#include "base/ui.h"
#include "processes/answer.h"
#include "processes/entries.h"
#include "processes/tallies.h"

/* In JSON, and as a warning; without one it is what the policy asked for. */
static const struct {
	const char *word;
	const char *warning; /* begins with how often */
} tally_texts[SYNFW_NR_PROCESS_TALLIES] = {
	[SYNFW_PROCESS_TALLY_EXECS] = {"execs", NULL},
	[SYNFW_PROCESS_TALLY_FULL] =
		{"processes_full",
		 "processes found no room in the table: rules judge them, flags and scores they "
		 "have none"},
	[SYNFW_PROCESS_TALLY_UNREADABLE] =
		{"unreadable",
		 "files or arguments could not be read to their end: what they may be, they count "
		 "as"},
	[SYNFW_PROCESS_TALLY_UNJUDGED] = {"unjudged",
					  "times a program was executed, or memory asked for, "
					  "while too many were being judged: no rule "
					  "was asked"},
	[SYNFW_PROCESS_TALLY_PEERS_UNSEEN] = {"peers_unseen",
					      "processes had more files open than peers are looked "
					      "for in: what lies beyond 1024 was not looked at"},
	[SYNFW_PROCESS_TALLY_EVENTS_LOST] =
		{"process_events_lost",
		 "events of processes were lost because nobody read them; see `synfw events`"},
	[SYNFW_PROCESS_TALLY_EVENTS_LIMITED] = {"process_events_limited", NULL},
	[SYNFW_PROCESS_TALLY_SPARED] = {"spared", NULL},
	[SYNFW_PROCESS_TALLY_REFUSED] = {"calls_refused", NULL},
	[SYNFW_PROCESS_TALLY_WOULD_REFUSE] = {"calls_monitored", NULL},
};

static const struct {
	const char *word, *text;
} securities[] = {
	[PROCESS_SECURITY_NONE] = {NULL, NULL},
	[PROCESS_SECURITY_FUNCTIONS] = {"fmod_ret", "fmod_ret programs"},
	[PROCESS_SECURITY_LSM] = {"lsm", "BPF LSM"},
};

/* What is attached and called. */
static uint32_t hooks_in_force(const struct status_processes *status)
{
	return status->hooks & ~status->uncalled;
}

/* What does something else here than it says. */
struct fallback {
	const char *rule; /* NULL: process-scoring */
	uint32_t line;
	enum synfw_process_action action, instead;
};

/* A denial falls back when it is not made, and kills where it was not to fall back. */
static enum synfw_process_action done_for_denial(const struct status_processes *status,
						 const struct manifest *manifest,
						 const struct manifest_process_rule *rule)
{
	if (hooks_in_force(status) & 1U << PROCESS_HOOK_DENY)
		return SYNFW_PROCESS_DENY;
	if (rule->fallback == SYNFW_PROCESS_DENY && !rule->monitor && !manifest->monitor)
		return SYNFW_PROCESS_KILL;
	return rule->fallback;
}

/* What isolates was put into the tables as what apply found to be possible. */
static enum synfw_process_action done_for(const struct status_processes *status,
					  enum synfw_process_action action,
					  enum synfw_process_action fallback)
{
	bool isolates = status->wanted_hooks & 1U << PROCESS_HOOK_ACCEPT;

	return action == SYNFW_PROCESS_ISOLATE && !isolates ? fallback : action;
}

/* What becomes of rule `index`; of process-scoring behind the last. */
static struct fallback fallback_of(const struct status_processes *status,
				   const struct manifest *manifest, size_t index)
{
	const struct manifest_process_scoring *scoring = &manifest->process_scoring;
	const struct manifest_process_rule *rule = &manifest->process_rules[index];
	enum synfw_process_action instead;

	if (index == manifest->nr_process_rules) {
		instead = done_for(status, scoring->action, scoring->fallback);
		return (struct fallback){NULL, scoring->line, scoring->action, instead};
	}
	instead = rule->action == SYNFW_PROCESS_DENY
			  ? done_for_denial(status, manifest, rule)
			  : done_for(status, rule->action, rule->fallback);
	return (struct fallback){rule->name, rule->line, rule->action, instead};
}

/* The next one that falls back, from `*position` on, which is moved behind it. */
static bool next_fallback(const struct status_processes *status, const struct manifest *manifest,
			  size_t *position, struct fallback *ret_fallback)
{
	struct fallback fallback;

	while (*position <= manifest->nr_process_rules) {
		fallback = fallback_of(status, manifest, (*position)++);
		if (fallback.instead != fallback.action) {
			*ret_fallback = fallback;
			return true;
		}
	}
	return false;
}

/* How much isolation there is by the policy in force, or NULL where nothing isolates. */
static const char *isolation_word(const struct status_processes *status)
{
	if (!(status->wanted_hooks & 1U << PROCESS_HOOK_SOCK_CREATE))
		return NULL;
	return status->isolates_fully ? "full" : "partial";
}

/* The hooks that the policy needs, and a warning for each that is missing. */
static void judge_hooks(const struct manifest *manifest, struct notes *warnings,
			struct status_processes *status)
{
	const char *words = manifest->process_hooks;
	char word[32];
	size_t length;

	for (; words && *words; words += length + (words[length] == ' ')) {
		length = strcspn(words, " ");
		snprintf(word, sizeof(word), "%.*s", (int)length, words);
		status->wanted_hooks |= process_hook_bit(word);
		if (!(status->hooks & process_hook_bit(word)))
			notes_add(warnings,
				  "the hook \"%s\", which rules on processes need, is not "
				  "attached; apply again",
				  word);
	}
}

static void judge_digest(const struct manifest *manifest, struct notes *warnings)
{
	if (manifest->process_digest &&
	    strtoull(manifest->process_digest, NULL, 16) != process_object_digest())
		notes_add(warnings, "the programs for processes were loaded by another build of "
				    "synfw; apply again to replace them");
}

/* What the programs do otherwise than users may think. */
static int read_states(const struct process_object *object, struct notes *warnings,
		       struct fault *fault, struct status_processes *status)
{
	struct synfw_process_runtime runtime;
	struct synfw_process_state state;
	uint32_t key = 0;

	if (bpf_map_lookup_elem(object->map_fd[PROCESS_STATE], &key, &state) ||
	    bpf_map_lookup_elem(object->map_fd[PROCESS_RUNTIME], &key, &runtime))
		return fault_system(fault, -errno, "cannot read the state of the programs");
	status->isolated_lost = runtime.isolated_lost;
	if (status->isolated_lost)
		notes_add(warnings,
			  "a child of an isolated process found no room in the table: no process "
			  "that is not known has a network, until an apply or `synfw release "
			  "--all` finds room for all");
	if (!state.host_mounts)
		notes_add(warnings, "the host's own mount namespace was not found: exceptions by "
				    "directories and names do not hold; apply again");
	return 0;
}

static int read_half(const struct process_half *half, struct notes *warnings, struct fault *fault,
		     struct status_processes *status)
{
	CLEANUP(cleanup_free) struct process_entry *entries = NULL;
	size_t count = 0;
	int tally, err = process_entries_read(&half->object, fault, &entries, &count);

	status->nr_known = count;
	for (tally = 0; !err && tally < SYNFW_NR_PROCESS_TALLIES; tally++) {
		if (!tally_texts[tally].word)
			continue;
		err = process_tally_read(&half->object, tally, fault, &status->tallies[tally]);
		if (!err && status->tallies[tally] && tally_texts[tally].warning)
			notes_add(warnings, "%llu %s", (unsigned long long)status->tallies[tally],
				  tally_texts[tally].warning);
	}
	return err ? err : read_states(&half->object, warnings, fault, status);
}

/* Hooks that are attached for nothing, and what is done without them. */
static void judge_uncalled(const struct status_processes *status, struct notes *warnings)
{
	char words[256] = "";
	size_t length = 0;
	int hook;

	for (hook = 0; hook < PROCESS_NR_HOOKS && length < sizeof(words); hook++)
		if (status->uncalled & 1U << hook)
			length += snprintf(words + length, sizeof(words) - length, "%s%s",
					   length ? ", " : "", process_hooks[hook].word);
	notes_add(warnings,
		  "kernel.ftrace_enabled is 0, so the kernel calls no program at these hooks: "
		  "%s%s%s. "
		  "Set it to 1 before the next apply or detach",
		  words,
		  status->uncalled & 1U << PROCESS_HOOK_DENY
			  ? "; what a rule denies is killed, or what its fallback says"
			  : "",
		  status->uncalled & 1U << PROCESS_HOOK_ACCEPT
			  ? "; isolation lacks what only these refuse"
			  : "");
}

static void judge_refusals(const struct process_half *half, struct notes *warnings,
			   struct status_processes *status)
{
	status->uncalled = half->uncalled;
	if (status->uncalled)
		judge_uncalled(status, warnings);
	if (!(status->uncalled & process_hooks_that_refuse()))
		status->security = half->security;
	status->missed = half->missed;
	if (half->missed)
		notes_add(warnings,
			  "%llu calls passed by a program that refuses, in which the kernel had "
			  "preempted another task: an exec among them was judged by the tracepoint "
			  "behind it; if an isolated process was among them, its call on a socket "
			  "was made",
			  (unsigned long long)half->missed);
}

int status_processes_read(const char *dir, const struct live *live, struct notes *warnings,
			  struct fault *fault, struct status_processes *ret_status)
{
	CLEANUP(process_half_close) struct process_half half = PROCESS_HALF_NONE;
	struct status_processes status = {0};
	int err = process_half_find(dir, live->control.active, fault, &half);

	if (err || !live->manifest)
		return err;
	status.wanted = live->manifest->process_hooks != NULL;
	status.hooks = half.hooks;
	status.isolates_fully = process_half_isolates_fully(&half);
	judge_refusals(&half, warnings, &status);
	if (half.present)
		err = read_half(&half, warnings, fault, &status);
	if (err)
		return err;
	if (half.pending)
		notes_add(warnings, "an apply was killed while it attached the hooks of rules on "
				    "processes; apply again");
	judge_hooks(live->manifest, warnings, &status);
	judge_digest(live->manifest, warnings);
	*ret_status = status;
	return 0;
}

/* ---- JSON and text ---- */

static json_t *hooks_json(const struct status_processes *status)
{
	json_t *array = json_array();
	int hook;

	for (hook = 0; hook < PROCESS_NR_HOOKS; hook++)
		if (status->hooks & 1U << hook)
			json_array_append_new(array, json_pack("{s:s, s:s}", "hook",
							       process_hooks[hook].word, "purpose",
							       process_hooks[hook].purpose));
	return array;
}

static json_t *fallbacks_json(const struct status_processes *status,
			      const struct manifest *manifest)
{
	json_t *array = json_array();
	struct fallback fallback;
	size_t position = 0;

	while (manifest && next_fallback(status, manifest, &position, &fallback))
		json_array_append_new(
			array,
			json_pack("{s:o, s:I, s:s, s:s}", "rule", json_text_or_null(fallback.rule),
				  "line", (json_int_t)fallback.line, "action",
				  manifest_process_action_word(fallback.action), "instead",
				  manifest_process_action_word(fallback.instead)));
	return array;
}

json_t *status_processes_json(const struct status_processes *status,
			      const struct manifest *manifest)
{
	json_t *tallies;
	int tally;

	if (!status->wanted)
		return json_null();
	tallies = json_object();
	for (tally = 0; tally < SYNFW_NR_PROCESS_TALLIES; tally++)
		if (tally_texts[tally].word)
			json_object_set_new(tallies, tally_texts[tally].word,
					    json_integer(status->tallies[tally]));
	/* clang-format off */
	return json_pack("{s:o, s:s?, s:I, s:I, s:I, s:b, s:s?, s:o, s:o}",
			 "hooks", hooks_json(status),
			 "refuses_by", securities[status->security].word,
			 "refusals_missed", (json_int_t)status->missed,
			 "known", (json_int_t)status->nr_known,
			 "size", (json_int_t)SYNFW_MAX_PROCESSES,
			 "isolated_lost", status->isolated_lost,
			 "isolation", isolation_word(status),
			 "fallbacks", fallbacks_json(status, manifest),
			 "tallies", tallies);
	/* clang-format on */
}

void status_processes_print(const struct status_processes *status, const struct manifest *manifest)
{
	struct fallback fallback;
	size_t position = 0;
	int hook;

	if (!status->wanted)
		return;
	printf("processes:  %u of %u known, %llu execs judged\n", status->nr_known,
	       SYNFW_MAX_PROCESSES, (unsigned long long)status->tallies[SYNFW_PROCESS_TALLY_EXECS]);
	for (hook = 0; hook < PROCESS_NR_HOOKS; hook++)
		if (status->hooks & 1U << hook)
			printf("hook:       %s: %s\n", process_hooks[hook].word,
			       process_hooks[hook].purpose);
	if (status->security)
		printf("refusals:   by %s\n", securities[status->security].text);
	while (manifest && next_fallback(status, manifest, &position, &fallback))
		printf("fallback:   %s%s%s %s: %s instead\n",
		       fallback.rule ? "rule \"" : "process-scoring",
		       fallback.rule ? fallback.rule : "", fallback.rule ? "\"" : "",
		       process_lack_text(fallback.action),
		       manifest_process_action_word(fallback.instead));
	if (!isolation_word(status) || status->isolates_fully)
		return;
	if (status->wanted_hooks & 1U << PROCESS_HOOK_ACCEPT)
		puts("isolation:  in part: hooks are missing, or not called");
	else
		puts("isolation:  in part: with sockets that it had what is isolated goes on to "
		     "listen and accept, and to use raw ones, ping and SCTP");
}
