/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Mounts, through which a file has another path than a rule has for it. Arguments:
 * test_first_action; and "lsm" or "fmod_ret" for rules that deny by programs of that kind instead
 * of killing. */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/claims.h"
#include "base/must.h"
#include "harness/process_trial.h"

#define NOBODY 54321 /* a user id that is nobody's */

static struct trial trial;
static char *victim;
static enum synfw_process_action action = SYNFW_PROCESS_KILL;
static int stopped = TRIAL_KILLED; /* what becomes of a program that may not run */

/* Rules on the one file DIRECTORY/victim, known by its path and its inode. */
static void apply_exact(void)
{
	struct rule_spec rule = {.match = {.exec = {victim}}, .action = action};

	trial_apply(&trial, &rule, 1, NULL);
	process_tables_add_file(trial.bpf, trial.slot, victim);
}

static void apply_below(const char *name)
{
	char pattern[128];
	struct rule_spec rule = {.match = {.exec = {pattern}}, .action = action};

	snprintf(pattern, sizeof(pattern), "%s%s/**", trial.directory, name);
	trial_apply(&trial, &rule, 1, NULL);
}

static void become_in_host_mounts(const struct trial *unused)
{
	MUST(setns(trial.host_mounts, CLONE_NEWNS) == 0);
	execl(victim, "innocent", NULL);
}

/* That of PID 1: the test was started in it. */
static bool the_host_s_own_mounts_are_found(void)
{
	int state_fd = bpf_map__fd(trial.bpf->maps.synfw_process_state);
	LIBBPF_OPTS(bpf_test_run_opts, run);
	struct synfw_process_state state;
	struct stat status;
	uint32_t zero = 0;

	trial_tell_host_mounts(&trial, -1);
	MUST(bpf_prog_test_run_opts(bpf_program__fd(trial.bpf->progs.synfw_find_host), &run) == 0);
	MUST(bpf_map_lookup_elem(state_fd, &zero, &state) == 0);
	trial_tell_host_mounts(&trial, trial.host_mounts);
	MUST(fstat(trial.host_mounts, &status) == 0);
	EXPECT(state.host_mounts == status.st_ino);
	return true;
}

static bool the_host_s_own_mounts_are_judged_the_same(void)
{
	apply_below("");
	EXPECT(trial_child(become_in_host_mounts, &trial) == stopped);
	apply_exact();
	EXPECT(trial_child(become_in_host_mounts, &trial) == stopped);
	return true;
}

/* DIRECTORY/below as DIRECTORY/elsewhere, in a mount namespace of the child's. */
static void become_bind_mount(const struct trial *unused)
{
	MUST(unshare(CLONE_NEWNS) == 0);
	MUST(mount(trial_path(&trial, "below"), trial_path(&trial, "elsewhere"), NULL, MS_BIND,
		   NULL) == 0);
	execl(trial_path(&trial, "elsewhere/inside"), "innocent", NULL);
}

static bool a_bind_mount_is_no_way(void)
{
	MUST(mkdir(trial_path(&trial, "elsewhere"), 0755) == 0);
	trial_copy(&trial, "below/inside");
	apply_below("/below");
	EXPECT(trial_child(become_bind_mount, &trial) == stopped);
	return true;
}

/* In the host's namespace, which the test's own is here, and of a whole file system. */
static bool a_bind_mount_of_a_file_system_is_no_way(void)
{
	int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	int directly, elsewhere;

	MUST(own >= 0 && mkdir(trial_path(&trial, "whole"), 0755) == 0);
	MUST(mount("none", trial_path(&trial, "whole"), "tmpfs", 0, NULL) == 0);
	trial_copy(&trial, "whole/inside");
	MUST(mount(trial_path(&trial, "whole"), trial_path(&trial, "elsewhere"), NULL, MS_BIND,
		   NULL) == 0);
	apply_below("/whole");
	trial_tell_host_mounts(&trial, own);
	directly = trial_run(trial_path(&trial, "whole/inside"), NULL, NULL, NULL);
	elsewhere = trial_run(trial_path(&trial, "elsewhere/inside"), NULL, NULL, NULL);
	trial_tell_host_mounts(&trial, trial.host_mounts);
	MUST(umount(trial_path(&trial, "elsewhere")) == 0);
	MUST(umount(trial_path(&trial, "whole")) == 0);
	close(own);
	EXPECT(directly == stopped);
	EXPECT(elsewhere == stopped);
	return true;
}

static void become_bind_mount_of_user(const struct trial *unused)
{
	MUST(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
	MUST(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
	MUST(mount(trial_path(&trial, "below"), trial_path(&trial, "elsewhere"), NULL, MS_BIND,
		   NULL) == 0);
	execl(trial_path(&trial, "elsewhere/inside"), "innocent", NULL);
}

static bool a_bind_mount_in_a_user_namespace_is_no_way(void)
{
	EXPECT(trial_child(become_bind_mount_of_user, &trial) == stopped);
	return true;
}

static void become_detached_mount(const struct trial *unused)
{
	int fd = syscall(SYS_open_tree, AT_FDCWD, trial_path(&trial, "below"),
			 1 /* OPEN_TREE_CLONE */);

	MUST(fd >= 0);
	syscall(SYS_execveat, fd, "inside", (char *[]){"innocent", NULL}, NULL, 0);
}

static bool a_mount_that_is_nowhere_is_no_way(void)
{
	EXPECT(trial_child(become_detached_mount, &trial) == stopped);
	return true;
}

/* Whoever may mount in a user namespace can give any file the path of an exception. */
static void become_exception(const struct trial *unused)
{
	int file = open(trial_path(&trial, "below/inside"), O_RDONLY);

	MUST(file >= 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
	MUST(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
	MUST(mount(trial_path(&trial, "below/inside"), trial_path(&trial, "below/spared"), NULL,
		   MS_BIND, NULL) == 0);
	execl(trial_path(&trial, "below/spared"), "innocent", NULL);
}

/* The same as root of a container, whose mounts are in a namespace that no user may make. */
static void become_exception_of_root(const struct trial *unused)
{
	MUST(unshare(CLONE_NEWNS) == 0);
	MUST(mount(trial_path(&trial, "below/inside"), trial_path(&trial, "below/spared"), NULL,
		   MS_BIND, NULL) == 0);
	execl(trial_path(&trial, "below/spared"), "innocent", NULL);
}

/* And on a file system that is nowhere else. */
static void become_exception_of_own(const struct trial *unused)
{
	MUST(unshare(CLONE_NEWNS) == 0);
	MUST(mount("none", trial_path(&trial, "below"), "tmpfs", 0, NULL) == 0);
	execl(trial_copy(&trial, "below/spared"), "innocent", NULL);
}

static bool a_mount_does_not_make_an_exception(void)
{
	struct rule_fields spared = {.exec = {trial_path(&trial, "below/spared")}};
	char *pattern = trial_path(&trial, "below/**");
	struct rule_spec rule = {.match = {.exec = {pattern}}, .except = &spared, .action = action};

	trial_copy(&trial, "below/spared");
	trial_apply(&trial, &rule, 1, NULL);
	EXPECT(trial_run(trial_path(&trial, "below/spared"), NULL, NULL, NULL) == 0);
	EXPECT(trial_run(trial_path(&trial, "below/inside"), NULL, NULL, NULL) == stopped);
	EXPECT(trial_child(become_exception, &trial) == stopped);
	EXPECT(trial_child(become_exception_of_root, &trial) == stopped);
	EXPECT(trial_child(become_exception_of_own, &trial) == stopped);
	return true;
}

/* Where it is not known which mounts are the host's, the file alone is certain. */
static bool without_the_host_s_mounts_an_exception_is_its_file(void)
{
	char *spared = trial_path(&trial, "below/spared");
	int by_path, by_file;

	trial_tell_host_mounts(&trial, -1);
	by_path = trial_run(spared, NULL, NULL, NULL);
	process_tables_add_file(trial.bpf, trial.slot, spared);
	by_file = trial_run(spared, NULL, NULL, NULL);
	trial_tell_host_mounts(&trial, trial.host_mounts);
	EXPECT(by_path == stopped);
	EXPECT(by_file == 0);
	return true;
}

int main(int argc, char **argv)
{
	struct trial_object object = {};

	MUST(argc == 2 || argc == 3);
	if (argc == 3) {
		trial_object_denies(&object, argv[2]);
		action = SYNFW_PROCESS_DENY;
		stopped = TRIAL_DENIED;
	}
	trial_open_with(&trial, argv[1], &object);
	victim = strdup(trial_copy(&trial, "victim"));
	MUST(mkdir(trial_path(&trial, "below"), 0755) == 0);
	CHECK(the_host_s_own_mounts_are_found);
	CHECK(the_host_s_own_mounts_are_judged_the_same);
	CHECK(a_bind_mount_is_no_way);
	CHECK(a_bind_mount_in_a_user_namespace_is_no_way);
	CHECK(a_mount_that_is_nowhere_is_no_way);
	CHECK(a_bind_mount_of_a_file_system_is_no_way);
	CHECK(a_mount_does_not_make_an_exception);
	CHECK(without_the_host_s_mounts_an_exception_is_its_file);
	trial_close(&trial);
	free(victim);
	return claims_end();
}
