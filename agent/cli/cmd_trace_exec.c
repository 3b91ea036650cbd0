/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw trace --exec */
#include "cmd_trace.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include <process_question.h>
#include <synfw/cleanup.h>

#include "apply/offline.h"
#include "base/json.h"
#include "base/privileges.h"
#include "base/ui.h"
#include "datapath/live.h"
#include "policy/process_names.h"
#include "processes/answer.h"
#include "processes/half.h"
#include "processes/shadow.h"
#include "processes/text.h"
#include "report/report.h"

static const char *const exec_options[] = {"exec", "user", "group", "parent", "ancestor", "arg"};
static const char *const packet_options[] = {"from", "to", "flags", "vlan", "pcap", "interface"};

static bool any_given(const struct invocation *invocation, const char *const *options, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (option_given(invocation, options[i]))
			return true;
	return false;
}

bool trace_is_of_exec(const struct invocation *invocation)
{
	return any_given(invocation, exec_options, sizeof(exec_options) / sizeof(*exec_options));
}

/* ---- the question ---- */

/* The paths are what they lead to on this host, as in `tests:`. The caller frees them. */
struct exec_spec {
	struct process_spec spec;
};

static void exec_spec_done(struct exec_spec *exec)
{
	free(exec->spec.exec);
	free(exec->spec.parent);
	free(exec->spec.ancestor);
}

static int take_path(const struct invocation *invocation, const char *option, char **ret_path)
{
	const char *text = option_value(invocation, option);

	if (!text)
		return 0;
	if (*text != '/' || strlen(text) >= sizeof(((struct synfw_process_question *)0)->path)) {
		ui_error("--%s \"%s\" is not an absolute path of less than 4096 bytes", option,
			 text);
		return -EINVAL;
	}
	if (policyc_resolve_path(NULL, text, ret_path))
		*ret_path = strdup(text);
	return *ret_path ? 0 : -ENOMEM;
}

static bool is_number(const char *text, uint32_t *ret_number)
{
	unsigned long number;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	number = strtoul(text, &end, 10);
	*ret_number = number;
	return !*end && number < UINT32_MAX;
}

static int take_ids(const struct invocation *invocation, struct process_spec *spec)
{
	const char *user = option_value(invocation, "user");
	const char *group = option_value(invocation, "group");
	const struct passwd *account;
	const struct group *members;

	if (user) {
		account = is_number(user, &spec->uid) ? getpwuid(spec->uid) : getpwnam(user);
		if (!account && !is_number(user, &spec->uid)) {
			ui_error("--user \"%s\" is no user of this host", user);
			return -EINVAL;
		}
		/* as in `tests:`: a user brings its primary group along */
		spec->uid = account ? account->pw_uid : spec->uid;
		spec->gid = account ? account->pw_gid : 0;
	}
	if (group && !is_number(group, &spec->gid)) {
		members = getgrnam(group);
		if (!members) {
			ui_error("--group \"%s\" is no group of this host", group);
			return -EINVAL;
		}
		spec->gid = members->gr_gid;
	}
	return 0;
}

static int take_args(const struct invocation *invocation, struct process_spec *spec)
{
	const struct option_values *values = option_values(invocation, "arg");
	size_t room = sizeof(((struct synfw_process_question *)0)->args), i;

	for (i = 0; i < values->count; i++) {
		if (strlen(values->value[i]) >= room) {
			ui_error("the arguments have more than 4096 bytes together");
			return -EINVAL;
		}
		room -= strlen(values->value[i]) + 1;
	}
	spec->args = values->value;
	spec->nr_args = values->count;
	return 0;
}

static int take_spec(const struct invocation *invocation, struct exec_spec *exec)
{
	const char *path = option_value(invocation, "exec");
	int err;

	if (!path) {
		ui_error("an exec is asked about with --exec PATH, or --exec memfd");
		return -EINVAL;
	}
	if (any_given(invocation, packet_options,
		      sizeof(packet_options) / sizeof(*packet_options))) {
		ui_error("--exec asks about a program: leave what is of packets out");
		return -EINVAL;
	}
	err = strcmp(path, "memfd") ? take_path(invocation, "exec", &exec->spec.exec) : 0;
	if (!err)
		err = take_path(invocation, "parent", &exec->spec.parent);
	if (!err)
		err = take_path(invocation, "ancestor", &exec->spec.ancestor);
	if (!err)
		err = take_ids(invocation, &exec->spec);
	return err ? err : take_args(invocation, &exec->spec);
}

/* ---- whom it is asked ---- */

/* Rules by their bits, and the shadow program on their tables. Without rules nothing is asked. */
struct judge {
	struct policy_file file;
	struct live live;
	struct manifest *candidate; /* of the file; NULL: what is in force */
	struct synfw_process_rule *rules;
	struct synfw_process_head head;
	struct process_shadow shadow;
	bool can_deny; /* an exec, where rules deny one */
};

static void judge_close(struct judge *judge)
{
	policy_file_done(&judge->file);
	live_close(&judge->live);
	manifest_free(judge->candidate);
	free(judge->rules);
	process_shadow_close(&judge->shadow);
}

static int judge_from_file(const char *path, struct fault *fault, struct judge *judge)
{
	CLEANUP(image_freep) struct image *image = NULL;
	CLEANUP(process_inner_close) struct process_inner inner = PROCESS_INNER_NONE;
	enum process_security security;
	int err = policy_file_load(path, fault, &judge->file);

	if (!err)
		err = privileges_check("run the shadow program", fault);
	if (!err)
		err = offline_compile(&judge->file, NULL, fault, &image);
	if (!err && manifest_from_policy(judge->file.policy, &judge->candidate))
		err = fault_system(fault, -ENOMEM, "cannot name the rules");
	if (err || !image->processes || !image->processes->head.nr_bits)
		return err;
	security = process_hooks_security(image->processes);
	judge->can_deny = security != PROCESS_SECURITY_NONE;
	if (!process_hooks_isolate_fully(security))
		process_hooks_fall_back(image->processes);
	judge->head = image->processes->head;
	err = process_inner_create(image->processes, fault, &inner);
	judge->rules = TAKE_PTR(image->processes->rules);
	return err ? err : process_shadow_open(&inner, &judge->head, fault, &judge->shadow);
}

static int judge_from_live(const struct invocation *invocation, struct fault *fault,
			   struct judge *judge)
{
	CLEANUP(process_half_close) struct process_half half = PROCESS_HALF_NONE;
	CLEANUP(process_inner_close) struct process_inner inner = PROCESS_INNER_NONE;
	const char *dir = invocation->paths.live;
	int err = privileges_check("run the shadow program", fault);

	if (!err)
		err = live_open(dir, fault, &judge->live);
	if (!err && !judge->live.manifest)
		return fault_refuse(fault, EXIT_USAGE,
				    "no policy is in force; name one with --policy FILE");
	if (!err)
		err = process_half_find(dir, judge->live.control.active, fault, &half);
	if (!err && half.present)
		err = process_half_read_head(&half, judge->live.control.active, fault,
					     &judge->head);
	if (err || !judge->head.nr_bits)
		return err;
	judge->can_deny = half.hooks & ~half.uncalled & 1U << PROCESS_HOOK_DENY;
	err = process_inner_open(&half.object, judge->live.control.active, fault, &inner);
	if (err == -ENOENT)
		return fault_refuse(fault, EXIT_REFUSED,
				    "the policy was replaced meanwhile; ask again");
	if (!err)
		err = process_inner_read_rules(&inner, &judge->head, fault, &judge->rules);
	return err ? err : process_shadow_open(&inner, &judge->head, fault, &judge->shadow);
}

/* ---- the answer ---- */

struct answer {
	const struct synfw_process_question *question;
	const struct manifest_process_rule *rule; /* NULL: none decided */
	const char *file;
	bool monitor;
};

static void print_text(const struct answer *answer, const char *asked)
{
	const struct synfw_process_question *question = answer->question;
	bool allowed = question->effect == SYNFW_PROCESS_SCORE, names_rule;
	const char *cause = process_answer_cause(question, &names_rule);

	printf("%s: %s%s%s", asked, ui_style(stdout, allowed ? UI_GREEN : UI_RED),
	       process_answer_word(question), ui_style(stdout, UI_PLAIN));
	printf("%s", *cause ? cause : " (no rule decides)");
	if (names_rule && answer->rule)
		printf(" \"%s\" at %s:%u", answer->rule->name, answer->file, answer->rule->line);
	if (question->score)
		printf(", score %u", question->score);
	if (!allowed && answer->monitor)
		printf(", but the policy only monitors: it runs");
	putchar('\n');
}

static const char *cause_word(const struct answer *answer)
{
	const struct synfw_process_question *question = answer->question;

	if (question->causes & SYNFW_CAUSE_PROTECTED)
		return "protected";
	if (question->causes & SYNFW_CAUSE_SCORING)
		return "scoring";
	if (question->causes & SYNFW_CAUSE_FALLBACK)
		return "fallback";
	return answer->rule ? "rule" : "none";
}

static int print_json(const struct answer *answer, const char *asked)
{
	/* clang-format off */
	CLEANUP(json_decrefp) json_t *root = json_pack(
		"{s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:s}",
		"schema", "synfw.trace/1",
		"asked", asked,
		"verdict", process_answer_word(answer->question),
		"cause", cause_word(answer),
		"rule", answer->rule ? json_text(answer->rule->name) : json_null(),
		"line", answer->rule ? json_integer(answer->rule->line) : json_null(),
		"score", (json_int_t)answer->question->score,
		"mode", answer->monitor ? "monitor" : "block");
	/* clang-format on */

	return report_print_json(root);
}

/* What denies in a policy in force, and is not attached or not called any more, leaves it to the
 * tracepoint, which kills. (One that is not in force is taken to be where it could be.) */
static void note_lost_denial(const struct judge *judge, struct synfw_process_question *question)
{
	if (judge->candidate || judge->can_deny || judge->live.manifest->monitor ||
	    question->effect != SYNFW_PROCESS_DENY)
		return;
	question->effect = SYNFW_PROCESS_KILL;
	question->causes |= SYNFW_CAUSE_FALLBACK;
}

static int ask(const struct invocation *invocation, const struct judge *judge,
	       const struct process_spec *spec, struct fault *fault)
{
	const struct manifest *manifest =
		judge->candidate ? judge->candidate : judge->live.manifest;
	CLEANUP(cleanup_free)
	struct synfw_process_question *question = calloc(1, sizeof(*question));
	CLEANUP(cleanup_free) char *asked = process_spec_text(spec);
	struct answer answer = {
		.question = question, .file = manifest->file, .monitor = manifest->monitor};
	int err = 0;

	if (!question || !asked)
		return fault_system(fault, -ENOMEM, "cannot ask about an exec");
	process_question(spec, 0, judge->can_deny, question);
	if (judge->head.nr_bits)
		err = process_shadow_ask(&judge->shadow, fault, question);
	if (err)
		return err;
	if (judge->head.nr_bits && question->bit < judge->head.nr_rules)
		answer.rule = manifest_process_rule(manifest, judge->rules[question->bit].index);
	note_lost_denial(judge, question);
	if (answer.rule)
		process_answer_note_fallback(question, answer.rule->action);
	if (option_given(invocation, "json"))
		print_json(&answer, asked);
	else
		print_text(&answer, asked);
	return question->effect > SYNFW_PROCESS_FLAG ? EXIT_NO : EXIT_DONE;
}

int trace_exec(const struct invocation *invocation)
{
	CLEANUP(judge_close)
	struct judge judge = {.live = LIVE_NONE, .shadow = PROCESS_SHADOW_NONE};
	CLEANUP(exec_spec_done) struct exec_spec exec = {{NULL}};
	CLEANUP(fault_done) struct fault fault = {0};
	const char *path = option_value(invocation, "policy");
	int result = take_spec(invocation, &exec);

	if (result)
		return EXIT_USAGE;
	result = path ? judge_from_file(path, &fault, &judge)
		      : judge_from_live(invocation, &fault, &judge);
	if (judge.file.diags && diags_errors(judge.file.diags))
		ui_diags(judge.file.diags);
	if (result == -EINVAL && !fault.message)
		return EXIT_POLICY;
	if (!result)
		result = ask(invocation, &judge, &exec.spec, &fault);
	return result < 0 ? ui_fault(&fault) : result;
}
