/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process_lsm.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <synfw/cleanup.h>

#include "process_files.h"
#include "process_inner.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3; older ones know only such */
#endif

#define DENIED 42

/* A program that is nobody else's: a copy of this one. */
static int make_file(int *ret_fd)
{
	CLEANUP(cleanup_fd) int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	CLEANUP(cleanup_fd) int fd = memfd_create("synfw-probe", MFD_CLOEXEC | MFD_EXEC);
	struct stat status;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("synfw-probe", MFD_CLOEXEC);
	if (from < 0 || fd < 0 || fstat(from, &status) ||
	    sendfile(fd, from, NULL, status.st_size) != status.st_size)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* One rule, which denies that file. */
static int install(const struct process_object *object, int file_fd, struct fault *fault)
{
	CLEANUP(process_inner_close) struct process_inner inner = PROCESS_INNER_NONE;
	struct process_id id = {.value = {.class = {.exec = 1}}};
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
			 .fields = SYNFW_PROCESS_ASKS_PATH,
			 .serial = 1},
		.rules = &rule,
		.vectors = vectors,
		.nr_vectors = 2,
		.ids = &id,
		.nr_ids = 1,
	};
	int err = process_file_identify(object, file_fd, fault, &id.key);

	if (!err)
		err = process_inner_create(&tables, fault, &inner);
	return err ? err : process_inner_install(&inner, &tables.head, object, 0, fault);
}

static bool exec_fails(int file_fd)
{
	static char *const arguments[] = {"synfw", "version", NULL};
	int nothing, status = 0;
	pid_t child = fork();

	if (!child) {
		nothing = open("/dev/null", O_RDWR);
		dup2(nothing, STDOUT_FILENO);
		dup2(nothing, STDERR_FILENO);
		fexecve(file_fd, arguments, environ);
		_exit(errno == EPERM ? DENIED : 0);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == DENIED;
}

bool process_lsm_works(void)
{
	CLEANUP(process_object_close) struct process_object object = PROCESS_OBJECT_NONE;
	CLEANUP(fault_done) struct fault ignored = {0};
	CLEANUP(cleanup_fd) int file_fd = -1;
	CLEANUP(cleanup_fd) int link_fd = -1;

	if (process_object_load_probe(PROCESS_HOOK_DENY, &ignored, &object) ||
	    make_file(&file_fd) || install(&object, file_fd, &ignored))
		return false;
	link_fd = process_hook_attach(PROCESS_HOOK_DENY, object.hook_fd[PROCESS_HOOK_DENY], -1);
	return link_fd >= 0 && exec_fails(file_fd);
}
