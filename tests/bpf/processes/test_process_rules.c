/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What process rules ask besides the file, and what they do. Argument: test_first_action. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/claims.h"
#include "base/must.h"
#include "harness/process_trial.h"
#include "base/scale.h"

#define DECAY_PER_HOUR 1
#define EVENT_BYTES    16384

static const char *program;
static struct trial trial;
static char *victim, *parent, *neighbour;

static void apply(const struct rule_spec *rule)
{
	trial_apply(&trial, rule, 1, NULL);
}

/* ---- users, groups, arguments ---------------------------------------------------------------- */

static void become_user(const struct trial *unused)
{
	MUST(setgroups(2, (gid_t[]){777, 778}) == 0 && setgid(776) == 0 && setuid(775) == 0);
	execl(victim, "victim", NULL);
}

static bool asks_for_user(const char *user, const char *group)
{
	struct rule_spec rule = {.match = {.exec = {victim}, .user = user, .group = group},
				 .action = SYNFW_PROCESS_KILL};

	apply(&rule);
	return trial_child(become_user, &trial) == TRIAL_KILLED;
}

static bool users_and_groups_are_asked_for(void)
{
	EXPECT(asks_for_user("775", NULL));
	EXPECT(!asks_for_user("0", NULL));
	EXPECT(!asks_for_user("!775", NULL));
	EXPECT(asks_for_user("!0", NULL));
	EXPECT(asks_for_user(NULL, "776"));
	EXPECT(asks_for_user(NULL, "777"));
	EXPECT(asks_for_user(NULL, "778"));
	EXPECT(!asks_for_user(NULL, "0"));
	EXPECT(!asks_for_user(NULL, "!778"));
	EXPECT(asks_for_user("775", "!779"));
	EXPECT(!asks_for_user("776", "777"));
	return true;
}

static bool arguments_are_matched_whole(void)
{
	struct rule_spec rule = {.match = {.exec = {victim}, .args = {"-e", "-c"}},
				 .action = SYNFW_PROCESS_KILL};

	apply(&rule);
	EXPECT(trial_run(victim, "z", NULL, NULL) == 0);
	EXPECT(trial_run(victim, "z", "-e", NULL) == TRIAL_KILLED);
	EXPECT(trial_run(victim, "z", "y", "-c") == TRIAL_KILLED);
	EXPECT(trial_run(victim, "z", "-ec", "-") == 0);
	rule.match.args_all = true;
	apply(&rule);
	EXPECT(trial_run(victim, "z", "-e", NULL) == 0);
	EXPECT(trial_run(victim, "-c", "-e", NULL) == TRIAL_KILLED);
	return true;
}

static bool what_a_program_is_called_is_no_argument(void)
{
	struct rule_spec rule = {.match = {.exec = {victim}, .args = {"program"}},
				 .action = SYNFW_PROCESS_KILL};

	apply(&rule);
	EXPECT(trial_run(victim, "z", NULL, NULL) == 0);
	EXPECT(trial_run(victim, "z", "program", NULL) == TRIAL_KILLED);
	return true;
}

static bool arguments_of_any_length_are_read_past(void)
{
	char longest[SYNFW_MAX_ARG_BYTES + 1], longer[SYNFW_MAX_ARG_BYTES + 2], huge[100000];
	/* all lengths where it is cheap: at which of them a piece ends depends on no kernel */
	const uint32_t step = scaled(1, 13);
	struct rule_spec rule = {.match = {.exec = {victim}, .args = {longest}},
				 .action = SYNFW_PROCESS_KILL};

	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = 0;
	memset(huge, 'a', sizeof(huge));
	huge[sizeof(huge) - 1] = 0;
	apply(&rule);
	EXPECT(trial_run(victim, "z", longest, NULL) == TRIAL_KILLED);
	EXPECT(trial_run(victim, "z", longer, NULL) == 0);
	EXPECT(trial_run(victim, "", "", longest) == TRIAL_KILLED);
	/* its end is an argument by itself only for who has lost count */
	for (size_t length = sizeof(huge) - 1; length > sizeof(huge) - 300; length -= step) {
		huge[length] = 0;
		EXPECT(trial_run(victim, "z", huge, NULL) == 0);
	}
	EXPECT(trial_run(victim, "z", huge, longest) == TRIAL_KILLED);
	return true;
}

static void become_many_arguments(const struct trial *unused)
{
	char **argv = calloc(SYNFW_MAX_READ_ARGS + 64, sizeof(*argv));

	for (int i = 0; i < SYNFW_MAX_READ_ARGS + 32; i++)
		argv[i] = "z";
	execv(victim, argv);
}

static bool arguments_that_are_not_read_may_be_any(void)
{
	struct rule_fields spared = {.args = {"-quiet"}};
	struct rule_spec rule = {.match = {.exec = {victim}, .args = {"-e"}},
				 .action = SYNFW_PROCESS_KILL};
	uint64_t before = trial_tally(&trial, SYNFW_PROCESS_TALLY_UNREADABLE);

	apply(&rule);
	EXPECT(trial_child(become_many_arguments, &trial) == TRIAL_KILLED);
	EXPECT(trial_tally(&trial, SYNFW_PROCESS_TALLY_UNREADABLE) >= before + 1);
	rule.match.args[0] = NULL;
	rule.except = &spared;
	apply(&rule);
	EXPECT(trial_child(become_many_arguments, &trial) == TRIAL_KILLED);
	EXPECT(trial_run(victim, "z", "-quiet", NULL) == 0);
	return true;
}

/* ---- order, monitoring, scores --------------------------------------------------------------- */

static bool the_first_action_decides(void)
{
	struct rule_spec rules[] = {
		{.match = {.exec = {victim}},
		 .action = SYNFW_PROCESS_KILL,
		 .flags = SYNFW_PROCESS_MONITOR},
		{.match = {.exec = {victim}}, .action = SYNFW_PROCESS_FLAG},
		{.match = {.exec = {victim}}, .action = SYNFW_PROCESS_KILL},
	};

	trial_apply(&trial, rules, 3, NULL);
	EXPECT(trial_run(victim, NULL, NULL, NULL) == 0);
	EXPECT(trial_matches(&trial, 0) == 1 && trial_would(&trial, 0) == 1);
	EXPECT(trial_matches(&trial, 1) == 1 && trial_would(&trial, 1) == 0);
	EXPECT(trial_matches(&trial, 2) == 0);
	trial_read_events(&trial);
	EXPECT(trial.nr_events == 1 && trial.event.counter == 2);
	EXPECT(trial.event.action == SYNFW_PROCESS_FLAG && trial.event.trigger == SYNFW_ON_EXEC);
	EXPECT(trial.event.path_bytes == strlen(victim) &&
	       memcmp(trial.event.path, victim, strlen(victim)) == 0);
	EXPECT(trial.event.parent == (uint32_t)getpid());
	return true;
}

static bool a_policy_that_monitors_does_nothing(void)
{
	struct rule_spec rule = {.match = {.exec = {victim}}, .action = SYNFW_PROCESS_KILL};
	const struct synfw_process_head head = {.monitor = true};

	trial_apply(&trial, &rule, 1, &head);
	EXPECT(trial_run(victim, NULL, NULL, NULL) == 0);
	EXPECT(trial_would(&trial, 0) == 1);
	trial_read_events(&trial);
	EXPECT(trial.nr_events == 1 && trial.event.action == SYNFW_PROCESS_KILL);
	EXPECT(trial.event.flags & SYNFW_PROCESS_EVENT_MONITOR);
	return true;
}

static bool a_denial_that_comes_too_late_kills_or_flags(void)
{
	struct rule_spec rule = {.match = {.exec = {victim}}, .action = SYNFW_PROCESS_DENY};

	apply(&rule);
	EXPECT(trial_run(victim, NULL, NULL, NULL) == TRIAL_KILLED);
	rule.fallback = SYNFW_PROCESS_FLAG;
	apply(&rule);
	EXPECT(trial_run(victim, NULL, NULL, NULL) == 0);
	return true;
}

/* What a denial falls back to is weighed against what the points lead to, not the denial. */
static bool a_denial_that_only_flags_does_not_keep_points_from_acting(void)
{
	char *scored = trial_copy(&trial, "denied-and-scored");
	struct rule_spec rules[] = {
		{.match = {.exec = {scored}}, .score = 100},
		{.match = {.exec = {scored}},
		 .action = SYNFW_PROCESS_DENY,
		 .fallback = SYNFW_PROCESS_FLAG},
	};
	const struct synfw_process_head head = {
		.decay = DECAY_PER_HOUR, .act_at = 90, .act = SYNFW_PROCESS_KILL};

	trial_apply(&trial, rules, 2, &head);
	EXPECT(trial_run(scored, NULL, NULL, NULL) == TRIAL_KILLED);
	trial_read_events(&trial);
	EXPECT(trial.nr_events == 1 && trial.event.action == SYNFW_PROCESS_KILL);
	return true;
}

static bool a_protected_file_is_spared(void)
{
	struct rule_spec rule = {.match = {.exec = {victim}}, .action = SYNFW_PROCESS_KILL};
	uint64_t before = trial_tally(&trial, SYNFW_PROCESS_TALLY_SPARED);

	apply(&rule);
	process_tables_protect(trial.bpf, trial.slot, victim);
	EXPECT(trial_run(victim, NULL, NULL, NULL) == 0);
	EXPECT(trial_tally(&trial, SYNFW_PROCESS_TALLY_SPARED) == before + 1);
	trial_read_events(&trial);
	EXPECT(trial.event.flags & SYNFW_PROCESS_EVENT_SPARED);
	return true;
}

/* Three execs in one process: 40 points each. */
static bool points_add_up_to_an_action(void)
{
	struct rule_spec rule = {.match = {.exec = {victim}}, .score = 40};
	const struct synfw_process_head head = {
		.decay = DECAY_PER_HOUR, .flag_at = 50, .act_at = 100, .act = SYNFW_PROCESS_KILL};
	char *made = trial_path(&trial, "made");
	const char *argv[] = {victim, "x", victim, "x", victim, "c", made, NULL};

	trial_apply(&trial, &rule, 1, &head);
	EXPECT(trial_finish(trial_spawn(argv)) == TRIAL_KILLED);
	EXPECT(access(made, F_OK) != 0);
	trial_read_events(&trial);
	EXPECT(trial.nr_events == 3);
	EXPECT(trial.event.score_before >= 79 && trial.event.score_after >= 119);
	EXPECT(trial.event.flags & SYNFW_PROCESS_EVENT_CROSSED);
	EXPECT(trial.event.action == SYNFW_PROCESS_KILL);
	return true;
}

static char *scored_by_many;

static void become_many_of_user(const struct trial *unused)
{
	MUST(setgid(776) == 0 && setuid(775) == 0);
	execl(scored_by_many, "many", NULL);
}

/* Of one user: what nobody did is not held against root. */
static bool many_processes_of_a_file_add_up_too(void)
{
	struct rule_spec rule = {.score = 40};
	const struct synfw_process_head head = {
		.decay = DECAY_PER_HOUR, .act_at = 100, .act = SYNFW_PROCESS_KILL};

	scored_by_many = strdup(trial_copy(&trial, "many"));
	rule.match.exec[0] = scored_by_many;
	trial_apply(&trial, &rule, 1, &head);
	EXPECT(trial_child(become_many_of_user, &trial) == 0);
	EXPECT(trial_child(become_many_of_user, &trial) == 0);
	EXPECT(trial_child(become_many_of_user, &trial) == TRIAL_KILLED);
	EXPECT(trial_run(scored_by_many, NULL, NULL, NULL) == 0);
	EXPECT(trial_run(scored_by_many, NULL, NULL, NULL) == 0);
	EXPECT(trial_run(scored_by_many, NULL, NULL, NULL) == TRIAL_KILLED);
	return true;
}

/* ---- the shadow program ---------------------------------------------------------------------- */

static int ask(struct synfw_process_bpf *shadow, struct synfw_process_question *question)
{
	int fd = bpf_map__fd(shadow->maps.synfw_process_question);
	LIBBPF_OPTS(bpf_test_run_opts, run);
	uint32_t zero = 0;

	question->path_bytes = strlen((char *)question->path);
	question->parent_bytes = strlen((char *)question->parent);
	question->ancestor_bytes = strlen((char *)question->ancestor);
	MUST(bpf_map_update_elem(fd, &zero, question, BPF_ANY) == 0);
	MUST(bpf_prog_test_run_opts(bpf_program__fd(shadow->progs.synfw_ask), &run) == 0);
	MUST(bpf_map_lookup_elem(fd, &zero, question) == 0);
	return question->answered ? question->bit : -1;
}

static struct synfw_process_bpf *shadow_open(const struct rule_spec *rules, uint32_t nr_rules,
					     struct synfw_process_head *head)
{
	struct synfw_process_bpf *shadow = synfw_process_bpf__open();
	struct bpf_program *other;

	MUST(shadow);
	bpf_object__for_each_program(other, shadow->obj)
		bpf_program__set_autoload(other, other == shadow->progs.synfw_ask);
	shadow->rodata->read_only = true;
	MUST(synfw_process_bpf__load(shadow) == 0);
	process_tables_fill(shadow, 0, rules, nr_rules, head);
	return shadow;
}

static bool the_shadow_program_judges_the_same(void)
{
	struct rule_spec rules[] = {
		{.match = {.exec = {"/synfw-test/**"}, .user = "!0"}, .score = 7},
		{.match = {.exec = {"/synfw-test/a"}, .parent = "/p"},
		 .action = SYNFW_PROCESS_KILL},
		{.match = {.exec = {"**/x/nc"}, .args = {"-e"}}, .action = SYNFW_PROCESS_ISOLATE},
		{.match = {.exec = {"memfd"}, .ancestor = "/anc/**"}, .action = SYNFW_PROCESS_DENY},
	};
	struct synfw_process_head head = {.serial = 1};
	struct synfw_process_bpf *shadow = shadow_open(rules, 4, &head);
	struct synfw_process_question question = {
		.path = "/synfw-test/a", .parent = "/p", .uid = 1};

	EXPECT(ask(shadow, &question) == 1 && question.action == SYNFW_PROCESS_KILL);
	EXPECT(question.score == 7);
	strcpy((char *)question.parent, "/q");
	question.uid = 0;
	EXPECT(ask(shadow, &question) == SYNFW_NO_PROCESS_BIT && !question.score &&
	       !question.action);
	strcpy((char *)question.path, "/some/x/nc");
	memcpy(question.args, "-l\0-e", 6);
	question.args_bytes = 6;
	EXPECT(ask(shadow, &question) == 2);
	question.args_bytes = 3;
	EXPECT(ask(shadow, &question) == SYNFW_NO_PROCESS_BIT);
	question.memfd = 1;
	strcpy((char *)question.ancestor, "/anc/b/c");
	EXPECT(ask(shadow, &question) == 3 && question.action == SYNFW_PROCESS_DENY);
	EXPECT(question.effect == SYNFW_PROCESS_DENY && !question.causes);
	synfw_process_bpf__destroy(shadow);
	return true;
}

static bool the_limit_of_logging_holds_for_acts_apart(void)
{
	const struct rule_spec rules[] = {
		{.match = {.exec = {victim}}, .action = SYNFW_PROCESS_FLAG},
		{.match = {.exec = {neighbour}}, .action = SYNFW_PROCESS_KILL},
	};
	/* 4 at once, and one an hour */
	const struct synfw_process_head head = {.limit_interval_ns = 3600000000000ULL,
						.limit_tolerance_ns = 3 * 3600000000000ULL};
	uint64_t before;

	trial_apply(&trial, rules, 2, &head);
	before = trial_tally(&trial, SYNFW_PROCESS_TALLY_EVENTS_LIMITED);
	for (int i = 0; i < 20; i++)
		MUST(trial_run(victim, NULL, NULL, NULL) == 0);
	trial_read_events(&trial);
	EXPECT(trial.nr_events == 4);
	EXPECT(trial_run(neighbour, NULL, NULL, NULL) == TRIAL_KILLED);
	trial_read_events(&trial);
	EXPECT(trial.nr_events == 5 && trial.event.action == SYNFW_PROCESS_KILL);
	EXPECT(trial_tally(&trial, SYNFW_PROCESS_TALLY_EVENTS_LIMITED) == before + 16);
	/* what that rate left is nothing to the next one */
	trial_apply(&trial, rules, 2,
		    &(struct synfw_process_head){.limit_interval_ns = 1, .limit_tolerance_ns = 0});
	MUST(trial_run(victim, NULL, NULL, NULL) == 0);
	trial_read_events(&trial);
	EXPECT(trial.nr_events == 1);
	return true;
}

/* Which rule decides is one thing, and what becomes of the program another. */
static bool the_shadow_program_tells_what_would_be_done(void)
{
	const struct rule_spec rules[] = {
		{.match = {.exec = {"/synfw-test/scored"}}, .score = 100},
		{.match = {.exec = {"/synfw-test/scored"}}, .action = SYNFW_PROCESS_FLAG},
		{.match = {.exec = {"/synfw-test/args"}, .args = {"-x"}},
		 .action = SYNFW_PROCESS_FLAG},
		{.match = {.exec = {"/synfw-test/**"}},
		 .action = SYNFW_PROCESS_DENY,
		 .fallback = SYNFW_PROCESS_FLAG},
	};
	struct synfw_process_head head = {
		.serial = 1, .decay = DECAY_PER_HOUR, .act_at = 90, .act = SYNFW_PROCESS_KILL};
	struct synfw_process_bpf *shadow = shadow_open(rules, 4, &head);
	struct synfw_process_question question = {.path = "/synfw-test/scored"};

	EXPECT(ask(shadow, &question) == 1 && question.action == SYNFW_PROCESS_FLAG);
	EXPECT(question.effect == SYNFW_PROCESS_KILL && question.causes == SYNFW_CAUSE_SCORING);
	strcpy((char *)question.path, "/synfw-test/denied");
	EXPECT(ask(shadow, &question) == 3 && question.action == SYNFW_PROCESS_DENY);
	EXPECT(question.effect == SYNFW_PROCESS_FLAG && question.causes == SYNFW_CAUSE_FALLBACK);
	question.denies = true;
	EXPECT(ask(shadow, &question) == 3 && question.effect == SYNFW_PROCESS_DENY);
	/* the arguments, on which it depends, are not known before the exec */
	strcpy((char *)question.path, "/synfw-test/args");
	EXPECT(ask(shadow, &question) == 3 && question.effect == SYNFW_PROCESS_FLAG);
	synfw_process_bpf__destroy(shadow);
	return true;
}

/* Nobody reads, and the programs run all the same. The ring is a small one: how many execs fill it
 * is nothing that a claim depends on. */
static bool events_that_find_no_room_are_counted(void)
{
	const struct rule_spec rule = {.match = {.exec = {victim}}, .action = SYNFW_PROCESS_FLAG};
	const uint32_t many = EVENT_BYTES / sizeof(struct synfw_process_event) + 100;
	uint64_t lost;

	trial_apply(&trial, &rule, 1, NULL);
	lost = trial_tally(&trial, SYNFW_PROCESS_TALLY_EVENTS_LOST);
	for (uint32_t i = 0; i < many; i++)
		MUST(trial_run(victim, NULL, NULL, NULL) == 0);
	lost = trial_tally(&trial, SYNFW_PROCESS_TALLY_EVENTS_LOST) - lost;
	trial_read_events(&trial);
	EXPECT(trial_matches(&trial, 0) == many);
	EXPECT(lost >= 100 && trial.nr_events + lost == many);
	return true;
}

int main(int argc, char **argv)
{
	MUST(argc == 2);
	program = argv[1];
	trial_open_with(&trial, program, &(struct trial_object){.event_bytes = EVENT_BYTES});
	victim = strdup(trial_copy(&trial, "victim"));
	parent = strdup(trial_copy(&trial, "parent"));
	neighbour = strdup(trial_copy(&trial, "neighbour"));
	CHECK(users_and_groups_are_asked_for);
	CHECK(arguments_are_matched_whole);
	CHECK(what_a_program_is_called_is_no_argument);
	CHECK(arguments_of_any_length_are_read_past);
	CHECK(arguments_that_are_not_read_may_be_any);
	CHECK(the_first_action_decides);
	CHECK(a_policy_that_monitors_does_nothing);
	CHECK(a_denial_that_comes_too_late_kills_or_flags);
	CHECK(a_denial_that_only_flags_does_not_keep_points_from_acting);
	CHECK(a_protected_file_is_spared);
	CHECK(points_add_up_to_an_action);
	CHECK(many_processes_of_a_file_add_up_too);
	CHECK(the_limit_of_logging_holds_for_acts_apart);
	CHECK(events_that_find_no_room_are_counted);
	CHECK(the_shadow_program_judges_the_same);
	CHECK(the_shadow_program_tells_what_would_be_done);
	trial_close(&trial);
	return claims_end();
}
