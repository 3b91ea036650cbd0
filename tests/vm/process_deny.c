/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rules that deny an exec, where the kernel has BPF LSM, or by programs of fmod_ret. Arguments:
 * test_first_action, and "lsm" or "fmod_ret". */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/claims.h"
#include "base/must.h"
#include "harness/process_trial.h"

static struct trial trial;
static char *victim, *neighbour;
static const char *argument;
static bool at_functions;

static void become_victim(const struct trial *unused)
{
	execl(victim, "victim", argument, NULL);
}

static void become_user(const struct trial *unused)
{
	MUST(setuid(54321) == 0);
	become_victim(unused);
}

static void apply(const char *user, const char *arg)
{
	const struct rule_spec rule = {.match = {.exec = {victim}, .user = user, .args = {arg}},
				       .action = SYNFW_PROCESS_DENY};
	const struct synfw_process_head head = {.actions = 1 << SYNFW_PROCESS_DENY};

	trial_apply(&trial, &rule, 1, &head);
}

static bool an_exec_is_denied(void)
{
	EXPECT(trial_child(become_victim, &trial) == 0);
	apply(NULL, NULL);
	EXPECT(trial_child(become_victim, &trial) == TRIAL_DENIED);
	EXPECT(trial_run(neighbour, NULL, NULL, NULL) == 0);
	EXPECT(trial_matches(&trial, 0) == 1);
	trial_read_events(&trial);
	EXPECT(trial.nr_events == 1 && trial.event.action == SYNFW_PROCESS_DENY);
	return true;
}

static bool the_user_is_the_one_it_will_have(void)
{
	apply("0", NULL);
	EXPECT(trial_child(become_user, &trial) == 0);
	MUST(chown(victim, 0, 0) == 0 && chmod(victim, 04755) == 0);
	EXPECT(trial_child(become_user, &trial) == TRIAL_DENIED);
	return true;
}

/* The kernel takes the ids of the file back from who shares its directories with another. */
static void become_sharing_user(const struct trial *unused)
{
	long sharer = syscall(SYS_clone, CLONE_FS | SIGCHLD, NULL, NULL, NULL, NULL);

	MUST(sharer >= 0);
	if (!sharer) {
		MUST(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
		sleep(10); /* its parent ends before */
		_exit(0);
	}
	become_user(unused);
}

static bool ids_that_are_taken_back_do_not_count(void)
{
	MUST(chown(victim, 0, 0) == 0 && chmod(victim, 04755) == 0);
	apply("0", NULL);
	EXPECT(trial_child(become_sharing_user, &trial) == 0);
	EXPECT(trial_matches(&trial, 0) == 0);
	apply("54321", NULL);
	/* before the modules are asked nobody knows: the tracepoint kills */
	EXPECT(trial_child(become_sharing_user, &trial) ==
	       (at_functions ? TRIAL_KILLED : TRIAL_DENIED));
	return true;
}

static bool what_arguments_decide_kills(void)
{
	apply(NULL, "-e");
	EXPECT(trial_child(become_victim, &trial) == 0);
	argument = "-e";
	EXPECT(trial_child(become_victim, &trial) == TRIAL_KILLED);
	return true;
}

/* Nobody's policy keeps a protected program from running. */
static bool a_protected_file_is_spared(void)
{
	argument = NULL;
	apply(NULL, NULL);
	EXPECT(trial_child(become_victim, &trial) == TRIAL_DENIED);
	process_tables_protect(trial.bpf, trial.slot, victim);
	EXPECT(trial_child(become_victim, &trial) == 0);
	EXPECT(trial_run(neighbour, NULL, NULL, NULL) == 0);
	return true;
}

static bool a_policy_that_monitors_denies_nothing(void)
{
	const struct rule_spec rule = {.match = {.exec = {victim}}, .action = SYNFW_PROCESS_DENY};
	const struct synfw_process_head head = {.actions = 1 << SYNFW_PROCESS_DENY,
						.monitor = true};

	trial_apply(&trial, &rule, 1, &head);
	EXPECT(trial_child(become_victim, &trial) == 0);
	EXPECT(trial_would(&trial, 0) == 1);
	return true;
}

int main(int argc, char **argv)
{
	struct trial_object object = {};

	MUST(argc == 3);
	trial_object_denies(&object, argv[2]);
	at_functions = object.functions;
	trial_open_with(&trial, argv[1], &object);
	victim = strdup(trial_copy(&trial, "victim"));
	neighbour = strdup(trial_copy(&trial, "neighbour"));
	CHECK(an_exec_is_denied);
	CHECK(the_user_is_the_one_it_will_have);
	CHECK(ids_that_are_taken_back_do_not_count);
	CHECK(what_arguments_decide_kills);
	CHECK(a_protected_file_is_spared);
	CHECK(a_policy_that_monitors_denies_nothing);
	trial_close(&trial);
	free(victim);
	free(neighbour);
	return claims_end();
}
