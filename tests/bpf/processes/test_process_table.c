/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is remembered of processes, and the rules that ask for it. Argument: test_first_action. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
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

#define NR_TRIES 50

static const char *program;
static struct trial trial;
static char *victim, *parent, *neighbour;

static void apply(const struct rule_spec *rule)
{
	trial_apply(&trial, rule, 1, NULL);
}

/* ---- lineage --------------------------------------------------------------------------------- */

static bool a_parent_is_who_forked_it(void)
{
	struct rule_spec rule = {.match = {.exec = {victim}, .parent = parent},
				 .action = SYNFW_PROCESS_KILL};

	apply(&rule);
	EXPECT(trial_run(victim, NULL, NULL, NULL) == 0);
	EXPECT(trial_run(parent, "f", victim, NULL) == TRIAL_KILLED);
	EXPECT(trial_run(neighbour, "f", victim, NULL) == 0);
	EXPECT(trial_matches(&trial, 0) == 1);
	return true;
}

static bool what_it_ran_before_is_a_parent_too(void)
{
	EXPECT(trial_run(parent, "x", victim, NULL) == TRIAL_KILLED);
	return true;
}

static bool an_ancestor_is_any_of_them(void)
{
	struct rule_spec rule = {.match = {.exec = {victim}, .ancestor = parent},
				 .action = SYNFW_PROCESS_KILL};
	const char *argv[] = {parent, "f", neighbour, "f", neighbour, "f", victim, NULL};

	apply(&rule);
	EXPECT(trial_finish(trial_spawn(argv)) == TRIAL_KILLED);
	argv[0] = neighbour;
	EXPECT(trial_finish(trial_spawn(argv)) == 0);
	return true;
}

static bool an_exception_may_be_a_parent(void)
{
	struct rule_fields spared = {.parent = parent};
	struct rule_spec rule = {
		.match = {.exec = {victim}}, .except = &spared, .action = SYNFW_PROCESS_KILL};

	apply(&rule);
	EXPECT(trial_run(victim, NULL, NULL, NULL) == TRIAL_KILLED);
	EXPECT(trial_run(parent, "f", victim, NULL) == 0);
	return true;
}

static bool lineage_is_found_for_a_generation_that_comes(void)
{
	struct rule_spec other = {.match = {.exec = {neighbour}, .parent = victim},
				  .action = SYNFW_PROCESS_FLAG};
	struct rule_spec rules[] = {
		other,
		{.match = {.exec = {victim}, .parent = parent}, .action = SYNFW_PROCESS_FLAG}};
	struct synfw_process process;
	pid_t child;
	int let_go;

	apply(&other);
	child = trial_spawn_waiting(parent, &let_go);
	trial_stage(&trial, rules, 2, NULL);
	EXPECT(trial_process(&trial, child, &process));
	EXPECT(process.lineage[!trial.slot].serial != trial.serial);
	trial_fill(&trial, !trial.slot);
	trial_switch(&trial);
	EXPECT(trial_process(&trial, child, &process));
	EXPECT(process.lineage[trial.slot].serial == trial.serial);
	/* list 2 of the new generation is `parent` */
	EXPECT(process.lineage[trial.slot].self[0] == 2);
	close(let_go);
	EXPECT(trial_finish(child) == 0);
	return true;
}

/* ---- the table ------------------------------------------------------------------------------- */

static bool flags_go_on_to_children_and_end_with_the_process(void)
{
	struct rule_spec rule = {.match = {.exec = {parent}}, .action = SYNFW_PROCESS_FLAG};
	struct synfw_process process;
	pid_t child;
	int let_go;

	apply(&rule);
	child = trial_spawn_waiting(parent, &let_go);
	EXPECT(trial_process(&trial, child, &process));
	EXPECT(process.flags == SYNFW_PROCESS_FLAGGED && process.counter == 1);
	EXPECT(process.parent == (uint32_t)getpid() && process.start_boot_ns &&
	       process.flagged_boot_ns);
	close(let_go);
	EXPECT(trial_finish(child) == 0);
	EXPECT(!trial_process(&trial, child, &process));
	return true;
}

static void become_forker(const struct trial *unused)
{
	struct synfw_process process;
	int let_go;
	pid_t child;

	child = trial_spawn_waiting(neighbour, &let_go);
	if (!trial_process(&trial, child, &process))
		_exit(1);
	close(let_go);
	trial_finish(child);
	_exit(process.flags & SYNFW_PROCESS_FLAGGED ? 3 : 2);
}

/* Marks the process itself, as a rule would have. */
static bool a_flag_is_inherited_over_fork_and_exec(void)
{
	struct rule_spec rule = {.match = {.exec = {victim}}, .action = SYNFW_PROCESS_KILL};
	int fd = bpf_map__fd(trial.bpf->maps.synfw_processes);
	struct synfw_process process;
	uint32_t pid = getpid();

	apply(&rule);
	trial_fill(&trial, trial.slot);
	EXPECT(trial_process(&trial, pid, &process));
	process.flags |= SYNFW_PROCESS_FLAGGED;
	MUST(bpf_map_update_elem(fd, &pid, &process, BPF_ANY) == 0);
	EXPECT(trial_child(become_forker, &trial) == 3);
	process.flags &= ~SYNFW_PROCESS_FLAGGED;
	MUST(bpf_map_update_elem(fd, &pid, &process, BPF_ANY) == 0);
	EXPECT(trial_child(become_forker, &trial) == 2);
	return true;
}

static bool thousands_of_processes_leave_nothing(void)
{
	const uint32_t times = scaled(3000, 300);
	uint64_t full = trial_tally(&trial, SYNFW_PROCESS_TALLY_FULL);
	struct synfw_process process;

	for (uint32_t i = 0; i < times; i++) {
		pid_t child = fork();

		MUST(child >= 0);
		if (!child)
			_exit(0);
		trial_finish(child);
		EXPECT(!trial_process(&trial, child, &process));
	}
	EXPECT(trial_tally(&trial, SYNFW_PROCESS_TALLY_FULL) == full);
	return true;
}

static bool the_iterator_finds_who_was_there_before(void)
{
	struct synfw_process process;
	uint32_t pid = getpid();
	int fd = bpf_map__fd(trial.bpf->maps.synfw_processes);

	bpf_map_delete_elem(fd, &pid);
	EXPECT(!trial_process(&trial, pid, &process));
	trial_fill(&trial, trial.slot);
	EXPECT(trial_process(&trial, pid, &process));
	EXPECT(process.parent == (uint32_t)getppid() && process.start_boot_ns);
	EXPECT(trial_process(&trial, getppid(), &process));
	return true;
}

static void *fills(void *stop)
{
	while (!*(volatile bool *)stop)
		trial_fill(&trial, trial.slot);
	return NULL;
}

/* A child that waits: has it what its parent is held for? */
static bool child_is_flagged(void)
{
	struct synfw_process process = {};
	pid_t child = fork();
	bool known;

	MUST(child >= 0);
	if (!child) {
		pause();
		_exit(0);
	}
	known = trial_process(&trial, child, &process);
	MUST(kill(child, SIGKILL) == 0);
	trial_finish(child);
	return known && process.flags & SYNFW_PROCESS_FLAGGED;
}

/* It sees a child as soon as it is there, which is before the program of fork does. */
static bool whom_the_iterator_meets_first_inherits(void)
{
	const uint32_t times = scaled(10000, 30), pid = getpid();
	int fd = bpf_map__fd(trial.bpf->maps.synfw_processes);
	struct synfw_process process;
	bool stop = false;
	uint32_t flagged = 0;
	pthread_t thread;

	MUST(trial_process(&trial, pid, &process));
	process.flags |= SYNFW_PROCESS_FLAGGED;
	MUST(bpf_map_update_elem(fd, &pid, &process, BPF_ANY) == 0);
	MUST(pthread_create(&thread, NULL, fills, &stop) == 0);
	for (uint32_t i = 0; i < times; i++)
		flagged += child_is_flagged();
	stop = true;
	pthread_join(thread, NULL);
	process.flags &= ~SYNFW_PROCESS_FLAGGED;
	MUST(bpf_map_update_elem(fd, &pid, &process, BPF_ANY) == 0);
	EXPECT(flagged == times);
	return true;
}

/* Fills the table, but for what others of the machine that end free meanwhile. */
static void fill_table(void)
{
	static uint32_t key = 1U << 30;
	const struct synfw_process process = {};
	int fd = bpf_map__fd(trial.bpf->maps.synfw_processes);

	while (!bpf_map_update_elem(fd, &key, &process, BPF_NOEXIST))
		key++;
	MUST(errno == E2BIG);
}

/* What becomes of a program that found no room when it was started. */
static int run_without_room(const char *path)
{
	for (int i = 0; i < NR_TRIES; i++) {
		uint64_t full = trial_tally(&trial, SYNFW_PROCESS_TALLY_FULL);
		int status;

		fill_table();
		status = trial_run(path, NULL, NULL, NULL);
		if (trial_tally(&trial, SYNFW_PROCESS_TALLY_FULL) > full)
			return status;
	}
	return -EAGAIN;
}

/* A table of few: whoever is not remembered is judged all the same, and killed where it would have
 * to be isolated. */
static bool a_full_table_is_counted_and_rules_hold(void)
{
	struct rule_spec rules[2] = {{.action = SYNFW_PROCESS_KILL},
				     {.action = SYNFW_PROCESS_ISOLATE}};

	trial_close(&trial);
	trial_open(&trial, program, 64);
	victim = strdup(trial_copy(&trial, "victim"));
	parent = strdup(trial_copy(&trial, "parent"));
	neighbour = strdup(trial_copy(&trial, "neighbour"));
	rules[0].match = (struct rule_fields){.exec = {victim}};
	rules[1].match = (struct rule_fields){.exec = {neighbour}};
	trial_apply(&trial, rules, 2, NULL);
	trial_fill(&trial, trial.slot);
	EXPECT(run_without_room(victim) == TRIAL_KILLED);
	EXPECT(run_without_room(neighbour) == TRIAL_KILLED);
	EXPECT(run_without_room(parent) == 0);
	return true;
}

int main(int argc, char **argv)
{
	MUST(argc == 2);
	program = argv[1];
	trial_open(&trial, program, 0);
	victim = strdup(trial_copy(&trial, "victim"));
	parent = strdup(trial_copy(&trial, "parent"));
	neighbour = strdup(trial_copy(&trial, "neighbour"));
	CHECK(a_parent_is_who_forked_it);
	CHECK(what_it_ran_before_is_a_parent_too);
	CHECK(an_ancestor_is_any_of_them);
	CHECK(an_exception_may_be_a_parent);
	CHECK(lineage_is_found_for_a_generation_that_comes);
	CHECK(flags_go_on_to_children_and_end_with_the_process);
	CHECK(a_flag_is_inherited_over_fork_and_exec);
	CHECK(thousands_of_processes_leave_nothing);
	CHECK(the_iterator_finds_who_was_there_before);
	CHECK(whom_the_iterator_meets_first_inherits);
	CHECK(a_full_table_is_counted_and_rules_hold);
	trial_close(&trial);
	return claims_end();
}
