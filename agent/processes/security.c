/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "security.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include <synfw/cleanup.h>

#include "files.h"
#include "inner.h"
#include "tallies.h"

#define DENIED 42

/*
 * One rule, which denies the file to who is in a group that nobody has. So only the probe meets it,
 * whoever else executes synfw meanwhile, and it takes no file of its own: one in memory may not be
 * executed everywhere (vm.memfd_noexec), and rules in force may be about it.
 */
static int install(const struct process_object *object, int file_fd, gid_t group,
		   struct fault *fault)
{
	CLEANUP(process_inner_close) struct process_inner inner = PROCESS_INNER_NONE;
	struct process_id ids[2] = {
		{.value = {.class = {.exec = 1}}},
		{.key = {.kind = SYNFW_ID_GROUP, .number = group}, .value = {.class = {.exec = 1}}},
	};
	struct synfw_process_vector vectors[2] = {[1] = {.word = {1}}};
	struct synfw_process_rule rule = {
		.action = SYNFW_PROCESS_DENY,
		.fallback = SYNFW_PROCESS_DENY,
		.trigger = SYNFW_ON_EXEC,
		.except_bit = SYNFW_NO_PROCESS_BIT,
	};
	struct process_tables tables = {
		.head = {.nr_bits = 1,
			 .nr_rules = 1,
			 .trigger = {[SYNFW_ON_EXEC] = 1},
			 .actions = 1 << SYNFW_PROCESS_DENY,
			 .fields = SYNFW_PROCESS_ASKS_GROUP,
			 .serial = 1},
		.rules = &rule,
		.vectors = vectors,
		.nr_vectors = 2,
		.ids = ids,
		.nr_ids = 2,
	};
	int err = process_file_identify(object, file_fd, fault, &ids[0].key);

	if (!err)
		err = process_inner_create(&tables, fault, &inner);
	return err ? err : process_inner_install(&inner, &tables.head, object, 0, fault);
}

static bool exec_fails(int file_fd, gid_t group)
{
	static char *const arguments[] = {"synfw", "version", NULL};
	int nothing, status = 0;
	pid_t child = fork();

	if (!child) {
		nothing = open("/dev/null", O_RDWR);
		dup2(nothing, STDOUT_FILENO);
		dup2(nothing, STDERR_FILENO);
		if (setgroups(1, &group))
			_exit(0);
		fexecve(file_fd, arguments, environ);
		_exit(errno == EPERM ? DENIED : 0);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == DENIED;
}

/* It was this program that made an exec fail: others may, too. */
static bool has_denied(const struct process_object *object)
{
	CLEANUP(fault_done) struct fault ignored = {0};
	uint64_t execs = 0;

	return !process_tally_read(object, SYNFW_PROCESS_TALLY_EXECS, &ignored, &execs) && execs;
}

bool process_security_programs_are_called(void)
{
	CLEANUP(cleanup_fd)
	int fd = open("/proc/sys/kernel/ftrace_enabled", O_RDONLY | O_CLOEXEC);
	char digit;

	return fd < 0 || read(fd, &digit, 1) != 1 || digit != '0';
}

/* 0: it works; -EPERM: the kernel refuses to load the program; else -errno. */
static int try(enum process_security security, int file_fd, gid_t group)
{
	CLEANUP(process_object_close) struct process_object object = PROCESS_OBJECT_NONE;
	CLEANUP(fault_done) struct fault ignored = {0};
	CLEANUP(cleanup_fd) int link_fd = -1;
	int err =
		process_object_load_probe(process_hooks_that_refuse(), security, &ignored, &object);

	if (err)
		return err;
	if (install(&object, file_fd, group, &ignored))
		return -ENOTSUP;
	link_fd = process_hook_attach(PROCESS_HOOK_DENY, object.hook_fd[PROCESS_HOOK_DENY], -1);
	return link_fd >= 0 && exec_fails(file_fd, group) && has_denied(&object) ? 0 : -ENOTSUP;
}

enum process_security process_security_find(enum process_security least)
{
	CLEANUP(cleanup_fd) int file_fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	enum process_security security;
	gid_t group;
	int err = -ENOTSUP;

	/* not tried then: what is taken off while it is switched off leaves marks by which Linux
	 * 6.12 finds ftrace broken later, and ends it until the next boot */
	if (!process_security_programs_are_called())
		return PROCESS_SECURITY_NONE;
	if (file_fd < 0 || getrandom(&group, sizeof(group), 0) != sizeof(group))
		return PROCESS_SECURITY_NONE;
	/* beyond what people and services have, and not -1 */
	group = (group & 0x3fffffff) | 0x40000000;
	/* who may not load programs of the one kind may not load those of the other: to try costs
	 * 20 ms */
	for (security = PROCESS_SECURITY_LSM; security >= least; security--) {
		err = try(security, file_fd, group);
		if (!err || err == -EPERM)
			break;
	}
	return err ? PROCESS_SECURITY_NONE : security;
}
