/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ways to execute a file under another name than a rule has for it. Arguments: test_first_action,
 * and "lsm" or "fmod_ret" for rules that deny by programs of that kind instead of killing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/claims.h"
#include "base/must.h"
#include "harness/process_trial.h"
#include "base/scale.h"

#define NOBODY	   54321 /* nobody's user id, so that a rule on any memfd is about this test alone */
#define DEEP_STEPS 4200	 /* more than SYNFW_MAX_PATH_STEPS */

static struct trial trial;
static char *victim, *neighbour;
static enum synfw_process_action action = SYNFW_PROCESS_KILL;
static int stopped = TRIAL_KILLED; /* what becomes of whom a rule matches */

/* A rule on one file, known by its path and its inode. */
static void apply_file(const char *path)
{
	struct rule_spec rule = {.match = {.exec = {path}}, .action = action};

	trial_apply(&trial, &rule, 1, NULL);
	process_tables_add_file(trial.bpf, trial.slot, path);
}

static void apply_exact(void)
{
	apply_file(victim);
}

static void apply_below(const char *name)
{
	char pattern[128];
	struct rule_spec rule = {.match = {.exec = {pattern}}, .action = action};

	snprintf(pattern, sizeof(pattern), "%s%s/**", trial.directory, name);
	trial_apply(&trial, &rule, 1, NULL);
}

/* One that is let go at times is found by many; one that is always let go by the first. */
static bool stops_before_the_first_instruction(void)
{
	const uint32_t times = scaled(1000, 100);

	apply_exact();
	EXPECT(trial_makes_file(&trial, neighbour));
	for (uint32_t i = 0; i < times; i++)
		EXPECT(!trial_makes_file(&trial, victim));
	EXPECT(trial_run(victim, NULL, NULL, NULL) == stopped);
	EXPECT(trial_matches(&trial, 0) == times + 1);
	EXPECT(trial_run(neighbour, NULL, NULL, NULL) == 0);
	return true;
}

static void become_relative(const struct trial *unused)
{
	MUST(chdir(trial.directory) == 0);
	execl("./victim", "innocent", NULL);
}

static bool a_relative_path_is_no_way(void)
{
	EXPECT(trial_child(become_relative, &trial) == stopped);
	return true;
}

static bool a_symbolic_link_is_no_way(void)
{
	char *link = trial_path(&trial, "symlink");

	MUST(symlink(victim, link) == 0);
	EXPECT(trial_run(link, NULL, NULL, NULL) == stopped);
	return true;
}

static bool a_hard_link_is_no_way(void)
{
	char *other = trial_path(&trial, "hardlink");

	MUST(link(victim, other) == 0);
	EXPECT(trial_run(other, NULL, NULL, NULL) == stopped);
	return true;
}

static bool a_renamed_file_is_no_way(void)
{
	char *other = trial_path(&trial, "renamed");
	int status;

	MUST(rename(victim, other) == 0);
	status = trial_run(other, NULL, NULL, NULL);
	MUST(rename(other, victim) == 0);
	EXPECT(status == stopped);
	return true;
}

static void become_descriptor(const struct trial *unused)
{
	char path[64];
	int fd = open(victim, O_RDONLY);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	execl(path, "innocent", NULL);
}

static bool a_descriptor_is_no_way(void)
{
	EXPECT(trial_child(become_descriptor, &trial) == stopped);
	return true;
}

static void become_deleted(const struct trial *unused)
{
	int fd = open(trial_path(&trial, "below/deleted"), O_PATH);

	MUST(fd >= 0 && unlink(trial_path(&trial, "below/deleted")) == 0);
	syscall(SYS_execveat, fd, "", (char *[]){"innocent", NULL}, NULL, AT_EMPTY_PATH);
}

static bool a_deleted_file_is_where_it_was(void)
{
	apply_below("/below");
	MUST(mkdir(trial_path(&trial, "below"), 0755) == 0);
	trial_copy(&trial, "below/deleted");
	EXPECT(trial_child(become_deleted, &trial) == stopped);
	return true;
}

static void *thread_executes(void *unused)
{
	execl(victim, "innocent", NULL);
	trial_not_executed();
	return NULL;
}

static void become_from_thread(const struct trial *unused)
{
	pthread_t thread;

	MUST(pthread_create(&thread, NULL, thread_executes, NULL) == 0);
	pause();
}

static bool a_thread_is_no_way(void)
{
	apply_exact();
	EXPECT(trial_child(become_from_thread, &trial) == stopped);
	return true;
}

static void become_in_chroot(const struct trial *unused)
{
	MUST(chroot(trial.directory) == 0 && chdir("/") == 0);
	execl("/victim", "innocent", NULL);
}

static bool a_chroot_is_no_way(void)
{
	EXPECT(trial_child(become_in_chroot, &trial) == stopped);
	return true;
}

static bool below_a_directory_a_chroot_is_no_way(void)
{
	apply_below("");
	EXPECT(trial_child(become_in_chroot, &trial) == stopped);
	return true;
}

static void become_memfd(const struct trial *unused)
{
	int fd = memfd_create("synfw", 0), file = open(neighbour, O_RDONLY);
	char bytes[65536];
	ssize_t length = read(file, bytes, sizeof(bytes));

	MUST(fd >= 0 && length > 0 && write(fd, bytes, length) == length);
	close(file);
	MUST(setuid(NOBODY) == 0);
	fexecve(fd, (char *[]){"innocent", NULL}, (char *[]){NULL});
}

static bool a_file_in_memory_is_memfd(void)
{
	struct rule_spec rule = {.match = {.exec = {"memfd"}, .user = "54321"}, .action = action};

	trial_apply(&trial, &rule, 1, NULL);
	EXPECT(trial_child(become_memfd, &trial) == stopped);
	trial_read_events(&trial);
	EXPECT(trial.nr_events == 1);
	EXPECT(trial.event.path_bytes == strlen("memfd:synfw"));
	EXPECT(memcmp(trial.event.path, "memfd:synfw", trial.event.path_bytes) == 0);
	return true;
}

/* A script is its interpreter, as that is what runs. */
static bool a_script_counts_as_its_interpreter(void)
{
	char *script = trial_path(&trial, "script");
	FILE *file = fopen(script, "w");

	MUST(file && fprintf(file, "#!%s\n", victim) > 0 && fclose(file) == 0);
	MUST(chmod(script, 0755) == 0);
	apply_exact();
	EXPECT(trial_run(script, NULL, NULL, NULL) == stopped);
	return true;
}

/* A program of many names is its file, whatever it is called by. */
static bool the_name_it_is_called_by_does_not_count(void)
{
	struct rule_spec rule = {.match = {.exec = {"**/synfw-test-applet"}}, .action = action};
	char *applet = trial_path(&trial, "synfw-test-applet");

	MUST(symlink(neighbour, applet) == 0);
	trial_apply(&trial, &rule, 1, NULL);
	EXPECT(trial_run(applet, NULL, NULL, NULL) == 0);
	MUST(unlink(applet) == 0);
	EXPECT(trial_run(trial_copy(&trial, "synfw-test-applet"), NULL, NULL, NULL) == stopped);
	return true;
}

static bool several_last_components_are_matched_whole(void)
{
	struct rule_spec rule = {.match = {.exec = {"**/synfw-test-dir/applet"}}, .action = action};

	MUST(mkdir(trial_path(&trial, "synfw-test-dir"), 0755) == 0);
	MUST(mkdir(trial_path(&trial, "x-synfw-test-dir"), 0755) == 0);
	trial_apply(&trial, &rule, 1, NULL);
	EXPECT(trial_run(trial_copy(&trial, "synfw-test-dir/applet"), NULL, NULL, NULL) == stopped);
	EXPECT(trial_run(trial_copy(&trial, "x-synfw-test-dir/applet"), NULL, NULL, NULL) == 0);
	EXPECT(trial_run(trial_copy(&trial, "synfw-test-dir/applet2"), NULL, NULL, NULL) == 0);
	return true;
}

static bool any_bytes_may_be_in_a_name(void)
{
	char *odd = trial_copy(&trial, "\xff\xfe\n \x01");
	struct rule_spec rule = {.match = {.exec = {odd}}, .action = action};

	trial_apply(&trial, &rule, 1, NULL);
	EXPECT(trial_run(odd, NULL, NULL, NULL) == stopped);
	trial_read_events(&trial);
	EXPECT(trial.event.path_bytes == strlen(odd));
	EXPECT(memcmp(trial.event.path, odd, strlen(odd)) == 0);
	return true;
}

static void make_deeper(const char *name, int steps)
{
	for (int i = 0; i < steps; i++)
		MUST(mkdir(name, 0755) == 0 && chdir(name) == 0);
}

/* Copies the program into the working directory. */
static void copy_here(const char *name)
{
	char *from = trial_copy(&trial, "long-source");
	int fd = open(from, O_RDONLY), to = open(name, O_CREAT | O_WRONLY, 0755);
	char bytes[65536];
	ssize_t length = read(fd, bytes, sizeof(bytes));

	MUST(length > 0 && write(to, bytes, length) == length);
	close(fd);
	close(to);
}

static void become_here(const struct trial *unused)
{
	execl("./synfw-test-end", "innocent", NULL);
}

static bool the_ends_of_a_long_path_count(void)
{
	static const char name[] =
		"0123456789012345678901234567890123456789012345678901234567890123456789"
		"01234567890123456789012345678";
	struct rule_spec suffix = {.match = {.exec = {"**/synfw-test-end"}}, .action = action};
	int here = open(".", O_PATH | O_DIRECTORY);

	MUST(mkdir(trial_path(&trial, "long"), 0755) == 0);
	MUST(chdir(trial_path(&trial, "long")) == 0);
	make_deeper(name, 40);
	copy_here("synfw-test-end");
	apply_below("/long");
	EXPECT(trial_child(become_here, &trial) == stopped);
	trial_read_events(&trial);
	EXPECT(trial.event.flags & SYNFW_PROCESS_EVENT_PATH_CUT);
	EXPECT(trial.event.path_bytes == SYNFW_MAX_PATTERN + 1);
	EXPECT(memcmp(trial.event.path + SYNFW_MAX_PATTERN + 1 - 15, "/synfw-test-end", 15) == 0);
	apply_below("/lon");
	EXPECT(trial_child(become_here, &trial) == 0);
	trial_apply(&trial, &suffix, 1, NULL);
	EXPECT(trial_child(become_here, &trial) == stopped);
	MUST(fchdir(here) == 0);
	close(here);
	return true;
}

/* Removes a directory of many below each other, one by one. */
static void remove_deep(const char *name, int steps)
{
	for (int i = 0; i < steps; i++)
		MUST(chdir("..") == 0 && rmdir(name) == 0);
}

static void become_parent_here(const struct trial *unused)
{
	execl("./synfw-test-end", "innocent", "f", neighbour, NULL);
}

static bool a_path_too_deep_to_be_read_counts_as_below_every_directory(void)
{
	uint64_t before = trial_tally(&trial, SYNFW_PROCESS_TALLY_UNREADABLE);
	struct rule_fields nobody = {.exec = {trial_path(&trial, "elsewhere/**")}, .user = "54321"};
	struct rule_spec rule = {.match = nobody, .action = action};
	struct rule_spec below = {.match = {.exec = {neighbour}, .ancestor = nobody.exec[0]},
				  .action = action};
	int here = open(".", O_PATH | O_DIRECTORY);
	int other_status, status, child_status;
	uint64_t matches;

	MUST(chdir(trial.directory) == 0);
	make_deeper("d", DEEP_STEPS);
	copy_here("synfw-test-end");
	trial_alone(&trial, true);
	trial_apply(&trial, &rule, 1, NULL);
	other_status = trial_child(become_here, &trial);
	rule.match.user = "0";
	trial_apply(&trial, &rule, 1, NULL);
	status = trial_child(become_here, &trial);
	trial_apply(&trial, &below, 1, NULL);
	child_status = trial_child(become_parent_here, &trial);
	matches = trial_matches(&trial, 0);
	trial_alone(&trial, false);
	MUST(unlink("synfw-test-end") == 0);
	remove_deep("d", DEEP_STEPS);
	MUST(fchdir(here) == 0);
	close(here);
	EXPECT(other_status == 0);
	EXPECT(status == stopped);
	/* its parent says what became of it */
	EXPECT(matches == 1);
	EXPECT(child_status == (action == SYNFW_PROCESS_KILL ? TRIAL_KILLED : 127));
	EXPECT(trial_tally(&trial, SYNFW_PROCESS_TALLY_UNREADABLE) >= before + 2);
	return true;
}

static void *renames(void *stop)
{
	char *one = strdup(trial_path(&trial, "moves/a")),
	     *other = strdup(trial_path(&trial, "moves/b"));

	MUST(one && other);
	while (!*(volatile bool *)stop)
		MUST(rename(one, other) == 0 && rename(other, one) == 0);
	free(one);
	free(other);
	return NULL;
}

/* Executes it by both of its names in turns: stopped each time that it was there by that name? The
 * slower the processor, the more renames there are while one exec is judged, if two processors run.
 */
static bool is_stopped_while_renamed(void)
{
	const uint32_t times = scaled(300, 30);
	int ran = 0, found = 0;

	for (uint32_t i = 0; i < times; i++) {
		int status = trial_run(trial_path(&trial, i % 2 ? "moves/a" : "moves/b"), NULL,
				       NULL, NULL);

		/* 127: it had its other name just then */
		ran += status != stopped && status != 127;
		found += status == stopped;
	}
	return ran == 0 && found > 0;
}

/* Below the directory it is whatever its own name just is, and its inode is the same. */
static bool a_file_that_is_renamed_meanwhile_is_no_way(void)
{
	bool stop = false, by_directory, by_file;
	pthread_t thread;

	MUST(mkdir(trial_path(&trial, "moves"), 0755) == 0);
	trial_copy(&trial, "moves/a");
	apply_file(trial_path(&trial, "moves/a"));
	MUST(pthread_create(&thread, NULL, renames, &stop) == 0);
	by_file = is_stopped_while_renamed();
	apply_below("/moves");
	by_directory = is_stopped_while_renamed();
	stop = true;
	pthread_join(thread, NULL);
	EXPECT(by_file && by_directory);
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
	neighbour = strdup(trial_copy(&trial, "neighbour"));
	CHECK(stops_before_the_first_instruction);
	CHECK(a_relative_path_is_no_way);
	CHECK(a_symbolic_link_is_no_way);
	CHECK(a_hard_link_is_no_way);
	CHECK(a_renamed_file_is_no_way);
	CHECK(a_descriptor_is_no_way);
	CHECK(a_deleted_file_is_where_it_was);
	CHECK(a_thread_is_no_way);
	CHECK(a_chroot_is_no_way);
	CHECK(below_a_directory_a_chroot_is_no_way);
	CHECK(a_file_in_memory_is_memfd);
	CHECK(a_script_counts_as_its_interpreter);
	CHECK(the_name_it_is_called_by_does_not_count);
	CHECK(several_last_components_are_matched_whole);
	CHECK(any_bytes_may_be_in_a_name);
	CHECK(the_ends_of_a_long_path_count);
	CHECK(a_path_too_deep_to_be_read_counts_as_below_every_directory);
	CHECK(a_file_that_is_renamed_meanwhile_is_no_way);
	trial_close(&trial);
	free(victim);
	free(neighbour);
	return claims_end();
}
