/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include <synfw/cleanup.h>

#include "bpffs.h"

/* Between two tries: an apply takes its time, `synfw set` is done at once. */
#define FIRST_PAUSE_US 250
#define LAST_PAUSE_US  20000

/* Who holds it, for the message. The file is informative only; the lock is the flock. */
static void read_holder(int fd, char *holder, size_t size)
{
	ssize_t length = pread(fd, holder, size - 1, 0);

	holder[length > 0 ? length : 0] = '\0';
	holder[strcspn(holder, "\n")] = '\0';
}

static int wait_for(int fd, unsigned int timeout_ms, struct fault *fault)
{
	uint64_t waited_us = 0, pause_us = FIRST_PAUSE_US;
	char holder[32];

	while (flock(fd, LOCK_EX | LOCK_NB)) {
		const struct timespec pause = {.tv_nsec = pause_us * 1000};

		if (errno != EWOULDBLOCK && errno != EINTR)
			return fault_system(fault, -errno, "cannot lock");
		if (waited_us >= timeout_ms * 1000ULL) {
			read_holder(fd, holder, sizeof(holder));
			return fault_refuse(fault, EXIT_REFUSED,
					    "another synfw (process %s) has been changing the "
					    "policy for %u s; wait for it, or end it",
					    *holder ? holder : "unknown", timeout_ms / 1000);
		}
		nanosleep(&pause, NULL);
		waited_us += pause_us;
		pause_us = 2 * pause_us < LAST_PAUSE_US ? 2 * pause_us : LAST_PAUSE_US;
	}
	return 0;
}

static int lock_run_directory(const struct paths *paths, unsigned int timeout_ms,
			      struct fault *fault, int *ret_fd)
{
	CLEANUP(cleanup_free) char *path = path_format("%s/lock", paths->run);
	CLEANUP(cleanup_fd) int fd = -1;
	int err;

	if (!path)
		return fault_system(fault, -ENOMEM, "cannot name the lock file");
	err = path_make_directories(paths->run, 0755);
	if (err)
		return fault_system(fault, err, "cannot create \"%s\"", paths->run);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return fault_system(fault, -errno, "cannot open the lock \"%s\"", path);
	err = wait_for(fd, timeout_ms, fault);
	if (err)
		return err;
	if (!ftruncate(fd, 0))
		dprintf(fd, "%d\n", getpid());
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* What is locked is there before the first apply and after the last detach: the root of the
 * bpffs. A bpffs that is not mounted yet cannot be locked. */
static int lock_bpffs(const struct paths *paths, unsigned int timeout_ms, struct fault *fault,
		      int *ret_fd)
{
	CLEANUP(cleanup_fd) int fd = bpffs_open_root(paths);
	int err;

	if (fd < 0)
		return 0;
	err = wait_for(fd, timeout_ms, fault);
	if (err)
		return err;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int lock_acquire(const struct paths *paths, unsigned int timeout_ms, struct fault *fault,
		 struct lock *ret_lock)
{
	CLEANUP(lock_release) struct lock lock = LOCK_NONE;
	int err;

	err = lock_run_directory(paths, timeout_ms, fault, &lock.run_fd);
	if (!err)
		err = lock_bpffs(paths, timeout_ms, fault, &lock.bpffs_fd);
	if (err)
		return err;
	*ret_lock = lock;
	lock = (struct lock)LOCK_NONE;
	return 0;
}

void lock_leave_bpffs(struct lock *lock)
{
	cleanup_fd(&lock->bpffs_fd);
	lock->bpffs_fd = -1;
}

void lock_release(struct lock *lock)
{
	cleanup_fd(&lock->run_fd);
	cleanup_fd(&lock->bpffs_fd);
	*lock = (struct lock)LOCK_NONE;
}
