/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "harness/process_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/must.h"

#define NR_PATHS 16

static const char *program;

static int take_event(void *context, void *data, size_t size)
{
	struct trial *trial = context;
	const struct synfw_process_event *event = data;

	MUST(size == sizeof(*event));
	trial->event = *event;
	trial->nr_events++;
	return 0;
}

void trial_tell_host_mounts(const struct trial *trial, int namespace_fd)
{
	int state_fd = bpf_map__fd(trial->bpf->maps.synfw_process_state);
	struct synfw_process_state state;
	struct stat status = {};
	uint32_t zero = 0;

	MUST(namespace_fd < 0 || fstat(namespace_fd, &status) == 0);
	MUST(bpf_map_lookup_elem(state_fd, &zero, &state) == 0);
	state.host_mounts = status.st_ino;
	MUST(bpf_map_update_elem(state_fd, &zero, &state, BPF_ANY) == 0);
}

static void attach(struct trial *trial)
{
	struct synfw_process_bpf *bpf = trial->bpf;

	bpf->links.synfw_watch =
		bpf_program__attach_raw_tracepoint(bpf->progs.synfw_watch, "sched_process_exec");
	bpf->links.synfw_fork = bpf_program__attach(bpf->progs.synfw_fork);
	bpf->links.synfw_exit = bpf_program__attach(bpf->progs.synfw_exit);
	MUST(bpf->links.synfw_watch && bpf->links.synfw_fork && bpf->links.synfw_exit);
}

void trial_open(struct trial *trial, const char *program_path, uint32_t max_processes)
{
	const struct trial_object object = {.max_processes = max_processes};

	trial_open_with(trial, program_path, &object);
}

static struct bpf_program *lsm_program(struct synfw_process_bpf *bpf, const char *name)
{
	struct bpf_program *lsm = bpf_object__find_program_by_name(bpf->obj, name);

	MUST(lsm);
	return lsm;
}

/* Each program that is loaded is verified, and an emulated processor takes long for that: no more
 * than the test needs. */
static void choose_programs(struct synfw_process_bpf *bpf, const struct trial_object *object)
{
	const struct bpf_program *const always[] = {
		bpf->progs.synfw_watch,	 bpf->progs.synfw_fork,	    bpf->progs.synfw_exit,
		bpf->progs.synfw_fill,	 bpf->progs.synfw_identify, bpf->progs.synfw_find_host,
		bpf->progs.synfw_release};
	struct bpf_program *one;

	bpf_object__for_each_program(one, bpf->obj)
	{
		bool wanted = false;

		for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
			wanted |= one == always[i];
		MUST(bpf_program__set_autoload(one, wanted) == 0);
	}
	for (size_t i = 0; object->programs && object->programs[i]; i++) {
		one = bpf_object__find_program_by_name(bpf->obj, object->programs[i]);
		MUST(one && bpf_program__set_autoload(one, true) == 0);
	}
}

static void load_bpf(struct synfw_process_bpf *bpf, const struct trial_object *object)
{
	struct bpf_program *lsm;

	choose_programs(bpf, object);
	bpf->rodata->at_functions = object->functions;
	for (size_t i = 0; object->lsm && object->lsm[i]; i++) {
		lsm = lsm_program(bpf, object->lsm[i]);
		MUST(bpf_program__set_autoload(lsm, true) == 0);
		if (!object->functions)
			continue;
		MUST(bpf_program__set_type(lsm, BPF_PROG_TYPE_TRACING) == 0);
		MUST(bpf_program__set_expected_attach_type(lsm, BPF_MODIFY_RETURN) == 0);
		MUST(bpf_program__set_attach_target(lsm, 0, object->functions[i]) == 0);
	}
	if (object->max_processes)
		bpf_map__set_max_entries(bpf->maps.synfw_processes, object->max_processes);
	if (object->event_bytes)
		bpf_map__set_max_entries(bpf->maps.synfw_process_events, object->event_bytes);
	MUST(synfw_process_bpf__load(bpf) == 0);
}

void trial_object_denies(struct trial_object *object, const char *by)
{
	static const char *const lsm[] = {"synfw_deny", NULL};
	static const char *const functions[] = {"security_bprm_creds_from_file"};

	MUST(!strcmp(by, "lsm") || !strcmp(by, "fmod_ret"));
	object->lsm = lsm;
	object->functions = !strcmp(by, "lsm") ? NULL : functions;
}

void trial_open_with(struct trial *trial, const char *program_path,
		     const struct trial_object *object)
{
	const char *const *name;

	memset(trial, 0, sizeof(*trial));
	program = program_path;
	trial->others = open(program_path, O_RDONLY | O_CLOEXEC);
	MUST(trial->others >= 0 && flock(trial->others, LOCK_SH) == 0);
	strcpy(trial->directory, "/tmp/synfw-process-XXXXXX");
	MUST(mkdtemp(trial->directory) && chmod(trial->directory, 0755) == 0);
	trial->host_mounts = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	MUST(trial->host_mounts >= 0 && unshare(CLONE_NEWNS) == 0 &&
	     mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	trial->bpf = synfw_process_bpf__open();
	MUST(trial->bpf);
	load_bpf(trial->bpf, object);
	attach(trial);
	for (name = object->lsm; name && *name; name++)
		MUST(bpf_raw_tracepoint_open(NULL,
					     bpf_program__fd(lsm_program(trial->bpf, *name))) >= 0);
	trial->ring = ring_buffer__new(bpf_map__fd(trial->bpf->maps.synfw_process_events),
				       take_event, trial, NULL);
	MUST(trial->ring);
	trial_tell_host_mounts(trial, trial->host_mounts);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	return remove(path);
}

void trial_alone(const struct trial *trial, bool alone)
{
	MUST(flock(trial->others, alone ? LOCK_EX : LOCK_SH) == 0);
}

void trial_close(struct trial *trial)
{
	ring_buffer__free(trial->ring);
	synfw_process_bpf__destroy(trial->bpf);
	close(trial->host_mounts);
	MUST(flock(trial->others, LOCK_UN) == 0); /* children have it as well */
	close(trial->others);
	nftw(trial->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void trial_stage(struct trial *trial, const struct rule_spec *rules, uint32_t nr_rules,
		 const struct synfw_process_head *head)
{
	struct synfw_process_head filled = {};

	if (head)
		filled = *head;
	filled.serial = ++trial->serial;
	process_tables_fill(trial->bpf, !trial->slot, rules, nr_rules, &filled);
}

void trial_switch(struct trial *trial)
{
	const struct synfw_process_head none = {};
	struct synfw_control control = {.active = !trial->slot};
	uint32_t zero = 0, old = trial->slot;

	MUST(bpf_map_update_elem(bpf_map__fd(trial->bpf->maps.synfw_control), &zero, &control,
				 BPF_ANY) == 0);
	MUST(bpf_map_update_elem(bpf_map__fd(trial->bpf->maps.synfw_process_heads), &old, &none,
				 BPF_ANY) == 0);
	trial->slot = !trial->slot;
}

void trial_apply(struct trial *trial, const struct rule_spec *rules, uint32_t nr_rules,
		 const struct synfw_process_head *head)
{
	trial_stage(trial, rules, nr_rules, head);
	trial_switch(trial);
	trial_read_events(trial);
	trial->nr_events = 0;
	for (uint32_t i = 1; i <= nr_rules; i++) {
		struct synfw_process_counter none[libbpf_num_possible_cpus()];

		memset(none, 0, sizeof(none));
		MUST(bpf_map_update_elem(bpf_map__fd(trial->bpf->maps.synfw_process_counters), &i,
					 none, BPF_ANY) == 0);
	}
}

static void fill(struct trial *trial, uint32_t slot, enum synfw_fill_pass pass)
{
	int state_fd = bpf_map__fd(trial->bpf->maps.synfw_process_state);
	struct synfw_process_state state;
	struct bpf_link *link;
	uint32_t zero = 0;
	char none[64];
	int fd;

	MUST(bpf_map_lookup_elem(state_fd, &zero, &state) == 0);
	state.fill_slot = slot;
	state.fill_pass = pass;
	state.release_flags = SYNFW_PROCESS_ISOLATED;
	MUST(bpf_map_update_elem(state_fd, &zero, &state, BPF_ANY) == 0);
	link = bpf_program__attach_iter(trial->bpf->progs.synfw_fill, NULL);
	MUST(link);
	fd = bpf_iter_create(bpf_link__fd(link));
	MUST(fd >= 0);
	while (read(fd, none, sizeof(none)) > 0)
		;
	close(fd);
	bpf_link__destroy(link);
}

void trial_fill(struct trial *trial, uint32_t slot)
{
	fill(trial, slot, SYNFW_FILL_SELF);
	fill(trial, slot, SYNFW_FILL_PARENTS);
}

void trial_release(struct trial *trial)
{
	fill(trial, 0, SYNFW_FILL_RELEASE);
}

char *trial_path(const struct trial *trial, const char *name)
{
	static char paths[NR_PATHS][4096];
	static int next;
	char *path = paths[next++ % NR_PATHS];

	MUST(snprintf(path, sizeof(paths[0]), "%s/%s", trial->directory, name) <
	     (int)sizeof(paths[0]));
	return path;
}

char *trial_copy(const struct trial *trial, const char *name)
{
	char *path = trial_path(trial, name);
	int from = open(program, O_RDONLY | O_CLOEXEC), to;
	struct stat status;

	unlink(path);
	to = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0755);
	MUST(from >= 0 && to >= 0 && fstat(from, &status) == 0);
	MUST(sendfile(to, from, NULL, status.st_size) == status.st_size);
	close(from);
	close(to);
	return path;
}

int trial_finish(pid_t child)
{
	int status;

	MUST(waitpid(child, &status, 0) == child);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void trial_not_executed(void)
{
	_exit(errno == EPERM ? TRIAL_DENIED : 127);
}

int trial_child(void (*become)(const struct trial *trial), const struct trial *trial)
{
	pid_t child = fork();

	MUST(child >= 0);
	if (!child) {
		become(trial);
		trial_not_executed();
	}
	return trial_finish(child);
}

pid_t trial_spawn(const char *const *argv)
{
	pid_t child = fork();

	MUST(child >= 0);
	if (!child) {
		execv(argv[0], (char **)argv);
		_exit(127);
	}
	return child;
}

pid_t trial_spawn_waiting(const char *path, int *ret_let_go)
{
	return trial_spawn_waiting_with(path, "w", ret_let_go);
}

pid_t trial_spawn_waiting_with(const char *path, const char *letter, int *ret_let_go)
{
	int to[2], from[2];
	char byte;
	pid_t child;

	MUST(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0);
	child = fork();
	MUST(child >= 0);
	if (!child) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		execl(path, "program", letter, NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	MUST(read(from[0], &byte, 1) == 1);
	close(from[0]);
	*ret_let_go = to[1];
	return child;
}

int trial_run(const char *path, const char *one, const char *two, const char *three)
{
	pid_t child = fork();

	MUST(child >= 0);
	if (!child) {
		execl(path, "program", one, two, three, NULL);
		trial_not_executed();
	}
	return trial_finish(child);
}

bool trial_makes_file(const struct trial *trial, const char *path)
{
	const char *made = trial_path(trial, "made");
	bool exists;

	unlink(made);
	trial_run(path, "c", made, NULL);
	exists = access(made, F_OK) == 0;
	unlink(made);
	return exists;
}

static struct synfw_process_counter counter_of(const struct trial *trial, uint32_t rule)
{
	int cpus = libbpf_num_possible_cpus();
	struct synfw_process_counter values[cpus], sum = {};
	uint32_t key = rule + 1;

	MUST(bpf_map_lookup_elem(bpf_map__fd(trial->bpf->maps.synfw_process_counters), &key,
				 values) == 0);
	for (int i = 0; i < cpus; i++) {
		sum.matches += values[i].matches;
		sum.would += values[i].would;
	}
	return sum;
}

uint64_t trial_matches(const struct trial *trial, uint32_t rule)
{
	return counter_of(trial, rule).matches;
}

uint64_t trial_would(const struct trial *trial, uint32_t rule)
{
	return counter_of(trial, rule).would;
}

uint64_t trial_tally(const struct trial *trial, enum synfw_process_tally tally)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t values[cpus], sum = 0;
	uint32_t key = tally;

	MUST(bpf_map_lookup_elem(bpf_map__fd(trial->bpf->maps.synfw_process_tallies), &key,
				 values) == 0);
	for (int i = 0; i < cpus; i++)
		sum += values[i];
	return sum;
}

bool trial_process(const struct trial *trial, pid_t pid, struct synfw_process *ret_process)
{
	uint32_t key = pid;

	return bpf_map_lookup_elem(bpf_map__fd(trial->bpf->maps.synfw_processes), &key,
				   ret_process) == 0;
}

void trial_set_flags(const struct trial *trial, uint32_t flags)
{
	uint32_t pid = getpid();
	struct synfw_process process;

	MUST(trial_process(trial, pid, &process));
	process.flags = flags;
	MUST(bpf_map_update_elem(bpf_map__fd(trial->bpf->maps.synfw_processes), &pid, &process,
				 BPF_ANY) == 0);
}

void trial_read_events(struct trial *trial)
{
	MUST(ring_buffer__consume(trial->ring) >= 0);
}
