/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <synfw/cleanup.h>

static char *lock_path(const struct paths *paths)
{
	return path_format("%s/synfwd", paths->run);
}

int instance_acquire(const struct paths *paths, struct fault *fault, int *ret_fd)
{
	CLEANUP(cleanup_free) char *path = lock_path(paths);
	CLEANUP(cleanup_fd) int fd = -1;
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int err;

	if (!path)
		return fault_system(fault, -ENOMEM, "cannot name the lock file");
	err = path_make_directories(paths->run, 0755);
	if (err)
		return fault_system(fault, err, "cannot create \"%s\"", paths->run);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return fault_system(fault, -errno, "cannot open the lock \"%s\"", path);
	/* not flock(2): whoever asks for that lock holds it for a moment */
	if (fcntl(fd, F_OFD_SETLK, &lock)) {
		if (errno == EAGAIN || errno == EACCES)
			return fault_refuse(fault, EXIT_REFUSED,
					    "another synfwd runs with SYNFW_RUN_DIR \"%s\"; give "
					    "each network namespace a directory of its own",
					    paths->run);
		return fault_system(fault, -errno, "cannot lock \"%s\"", path);
	}
	/* what the one before has served */
	err = instance_serve(fd, 0);
	if (err)
		return fault_system(fault, err, "cannot write \"%s\"", path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

bool instance_is_running(const struct paths *paths)
{
	CLEANUP(cleanup_free) char *path = lock_path(paths);
	CLEANUP(cleanup_fd)
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fd >= 0 && !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
}

int instance_serve(int instance_fd, uint32_t datapath)
{
	char text[16];
	int length = datapath ? snprintf(text, sizeof(text), "%u\n", datapath) : 0;

	if (ftruncate(instance_fd, 0) || pwrite(instance_fd, text, length, 0) != length)
		return -errno;
	return 0;
}

bool instance_wake(const struct paths *paths, uint32_t datapath)
{
	CLEANUP(cleanup_free) char *path = lock_path(paths);
	CLEANUP(cleanup_fd) int fd = -1;
	char text[16] = "";

	if (!path || !instance_is_running(paths))
		return false;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return fd >= 0 && datapath && pread(fd, text, sizeof(text) - 1, 0) > 0 &&
	       strtoul(text, NULL, 10) == datapath;
}

int instance_watch(const struct paths *paths, int inotify_fd)
{
	CLEANUP(cleanup_free) char *path = lock_path(paths);

	if (!path)
		return -ENOMEM;
	return inotify_add_watch(inotify_fd, path, IN_CLOSE_WRITE) < 0 ? -errno : 0;
}
