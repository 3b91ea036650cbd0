/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "pins.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <synfw/abi.h>
#include <synfw/cleanup.h>

#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static void cleanup_closedir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool fd_on_bpffs(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_type == BPF_FS_MAGIC;
}

static int list(int dir_fd, int (*fn)(const char *name, void *context), void *context)
{
	CLEANUP(cleanup_closedir) DIR *dir = NULL;
	CLEANUP(cleanup_fd) int fd = openat(dir_fd, ".", OPEN_DIRECTORY);
	struct dirent *entry;
	int err = 0;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	TAKE_FD(fd);
	while (!err && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			err = fn(entry->d_name, context);
	return err;
}

static int something_is_there(const char *name, void *context)
{
	(void)name;
	(void)context;
	return 1;
}

int pins_open(const struct paths *paths, struct fault *fault, int *ret_fd)
{
	CLEANUP(cleanup_fd) int fd = open(paths->bpffs, OPEN_DIRECTORY);

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return fault_refuse(fault, EXIT_REFUSED,
				    "SYNFW_BPFFS \"%s\" is not a directory; name one on a bpffs, "
				    "or one that is empty",
				    paths->bpffs);
	if (fd < 0)
		return fault_system(fault, -errno, "cannot open \"%s\"", paths->bpffs);
	if (!fd_on_bpffs(fd)) {
		if (!list(fd, something_is_there, NULL))
			return -ENOENT;
		return fault_refuse(fault, EXIT_REFUSED,
				    "SYNFW_BPFFS \"%s\" is not on a bpffs and not empty; what is "
				    "in it was not made by synfw, and stays",
				    paths->bpffs);
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

bool pins_abi_of(const char *name, unsigned int *ret_version)
{
	unsigned int version = 0;
	const char *digit = name + 3;

	if (strncmp(name, "abi", 3) || !*digit)
		return false;
	for (; *digit; digit++) {
		if (*digit < '0' || *digit > '9' || version > 99999)
			return false;
		version = version * 10 + (*digit - '0');
	}
	*ret_version = version;
	return true;
}

bool pins_is_datapath(int root_fd, const char *name)
{
	unsigned int version;
	struct stat st;

	return (!strcmp(name, "new") || !strcmp(name, "old") || pins_abi_of(name, &version)) &&
	       !fstatat(root_fd, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode);
}

int pins_for_each(const char *path, int (*fn)(const char *name, void *context), void *context)
{
	CLEANUP(cleanup_fd) int fd = open(path, OPEN_DIRECTORY);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return list(fd, fn, context);
}

/* ---- removing ---- */

struct removal {
	int dir_fd;
	int error;
};

static int remove_entry(const char *name, void *context);

/* The caller's descriptor is on a bpffs; a file system that is mounted below it may be another. */
static int remove_directory(int dir_fd, const char *name)
{
	CLEANUP(cleanup_fd) int fd = openat(dir_fd, name, OPEN_DIRECTORY);
	struct removal removal = {.dir_fd = fd};
	int err;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!fd_on_bpffs(fd))
		return -EXDEV;
	err = list(fd, remove_entry, &removal);
	if (!err)
		err = removal.error;
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) && errno != ENOENT && !err)
		err = -errno;
	return err;
}

static int remove_entry(const char *name, void *context)
{
	struct removal *removal = context;
	int err = 0;

	if (!unlinkat(removal->dir_fd, name, 0) || errno == ENOENT)
		return 0;
	/* unlink(2) on a directory: EISDIR on Linux, EPERM by POSIX */
	if (errno == EISDIR || errno == EPERM)
		err = remove_directory(removal->dir_fd, name);
	else
		err = -errno;
	if (err && !removal->error)
		removal->error = err;
	return 0;
}

/* 0 and -1 in *ret_fd when there is nothing to remove. */
static int open_for_removal(const struct paths *paths, int *ret_fd)
{
	CLEANUP(fault_done) struct fault refused = {0};
	int err = pins_open(paths, &refused, ret_fd);

	*ret_fd = err ? -1 : *ret_fd;
	return err == -ENOENT ? 0 : err;
}

static const char *name_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

int pins_remove_tree(const struct paths *paths, const char *path)
{
	CLEANUP(cleanup_fd) int root_fd = -1;
	int err = open_for_removal(paths, &root_fd);

	return err || root_fd < 0 ? err : remove_directory(root_fd, name_of(path));
}

int pins_remove_datapath(const struct paths *paths, const char *path)
{
	const char *name = name_of(path), *discarded = name_of(paths->discarded);
	CLEANUP(cleanup_fd) int root_fd = -1;
	int err = open_for_removal(paths, &root_fd);

	if (err || root_fd < 0)
		return err;
	if (strcmp(name, discarded)) {
		err = remove_directory(root_fd, discarded);
		if (err)
			return err;
		if (renameat(root_fd, name, root_fd, discarded))
			return errno == ENOENT ? 0 : -errno;
	}
	return remove_directory(root_fd, discarded);
}

/* ---- another ABI ---- */

struct abi_search {
	const struct paths *paths;
	char *found;
};

static int match_abi_directory(const char *name, void *context)
{
	struct abi_search *search = context;
	unsigned int version;

	if (!pins_abi_of(name, &version) || version == SYNFW_ABI_VERSION)
		return 0;
	search->found = path_format("%s/%s", search->paths->bpffs, name);
	return search->found ? 1 : -ENOMEM;
}

int pins_find_other_abi(const struct paths *paths, struct fault *fault, char **ret_dir)
{
	struct abi_search search = {.paths = paths};
	int err = pins_for_each(paths->bpffs, match_abi_directory, &search);

	if (err < 0)
		return fault_system(fault, err, "cannot list \"%s\"", paths->bpffs);
	*ret_dir = search.found;
	return 0;
}
