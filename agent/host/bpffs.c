/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "bpffs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <synfw/cleanup.h>

static const char default_mount[] = "/sys/fs/bpf";

static void cleanup_closedir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool on_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == BPF_FS_MAGIC;
}

bool bpffs_is_there(const struct paths *paths)
{
	return on_bpffs(paths->bpffs);
}

/* The nearest directory that exists on the way to `path`. NULL for the root, or without memory. */
static char *nearest_directory(const char *path)
{
	CLEANUP(cleanup_free) char *copy = strdup(path);
	struct stat st;
	char *slash;

	while (copy && stat(copy, &st)) {
		slash = strrchr(copy, '/');
		if (!slash || slash == copy)
			return NULL;
		*slash = '\0';
	}
	return TAKE_PTR(copy);
}

static bool ancestor_on_bpffs(const char *path)
{
	CLEANUP(cleanup_free) char *nearest = nearest_directory(path);

	return nearest && on_bpffs(nearest);
}

/* The nearest directory that exists, or its parent, may be the root of another mount: the device
 * changes there. */
int bpffs_open_root(const struct paths *paths)
{
	CLEANUP(cleanup_free) char *path = nearest_directory(paths->bpffs);
	CLEANUP(cleanup_fd) int fd = -1;
	struct stat here, above;
	int parent;

	if (!path || !on_bpffs(path))
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0) {
		parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (parent < 0 || fstat(fd, &here) || fstat(parent, &above) ||
		    here.st_dev != above.st_dev || here.st_ino == above.st_ino) {
			cleanup_fd(&parent);
			break;
		}
		close(fd);
		fd = parent;
	}
	return TAKE_FD(fd);
}

static bool is_empty_directory(const char *path)
{
	CLEANUP(cleanup_closedir) DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return false;
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			return false;
	return true;
}

/* The note that a mount is ours, and the directory below it too. Written before mounting, so that
 * a killed run cannot leave a mount that nobody will undo. */
static const char note_made[] = "directory made\n";

static char *mount_note_path(const struct paths *paths)
{
	return path_format("%s/mount", paths->run);
}

static bool is_regular_file(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode);
}

static int write_mount_note(const struct paths *paths, bool directory_made)
{
	CLEANUP(cleanup_free) char *path = mount_note_path(paths);
	CLEANUP(cleanup_free)
	char *note = path_format("%s\n%s", paths->bpffs, directory_made ? note_made : "");
	CLEANUP(cleanup_fd) int fd = -1;
	ssize_t length;

	if (!path || !note)
		return -ENOMEM;
	length = strlen(note);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return -errno;
	if (!is_regular_file(fd))
		return -EINVAL;
	return write(fd, note, length) == length ? 0 : -EIO;
}

static bool mount_is_ours(const struct paths *paths, bool *ret_directory_made)
{
	CLEANUP(cleanup_free) char *path = mount_note_path(paths);
	CLEANUP(cleanup_fd) int fd = -1;
	char note[PATH_MAX + sizeof(note_made)], *rest;
	ssize_t length;

	if (!path)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || !is_regular_file(fd))
		return false;
	length = read(fd, note, sizeof(note) - 1);
	if (length < 0)
		return false;
	note[length] = '\0';
	*ret_directory_made = false;
	rest = strchr(note, '\n');
	if (rest) {
		*rest++ = '\0';
		*ret_directory_made = !strcmp(rest, note_made);
	}
	return !strcmp(note, paths->bpffs) && bpffs_is_there(paths);
}

static void unmount_ours(const struct paths *paths)
{
	CLEANUP(cleanup_free) char *note = mount_note_path(paths);

	if (!umount2(paths->bpffs, UMOUNT_NOFOLLOW) && note)
		unlink(note);
}

/* As in `ip netns exec`: what is mounted here goes with the last process, and all pins with it.
 * Where PID 1 cannot be looked at, as in a container, that cannot be told. */
static bool mounts_are_private(void)
{
	struct stat ours, of_init;

	return !stat("/proc/self/ns/mnt", &ours) && !stat("/proc/1/ns/mnt", &of_init) &&
	       (ours.st_ino != of_init.st_ino || ours.st_dev != of_init.st_dev);
}

static int check_mount_lasts(const char *where, struct fault *fault)
{
	if (mounts_are_private())
		return fault_refuse(
			fault, EXIT_REFUSED,
			"no bpffs is mounted on \"%s\", and one that is mounted in this "
			"mount namespace ends with it, and the policy too. For a network "
			"namespace, run `nsenter --net=/run/netns/NAME synfw apply ...` "
			"and not `ip netns exec`",
			where);
	return 0;
}

static int mount_bpffs(const char *where, struct fault *fault)
{
	if (mount("bpf", where, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME, "mode=700"))
		return fault_system(fault, -errno, "cannot mount a bpffs on \"%s\"", where);
	return 0;
}

static int make_directory(const char *path, struct fault *fault, bool *ret_made)
{
	struct stat st;
	bool missing = lstat(path, &st) != 0;
	int err = path_make_directories(path, 0700);

	if (err)
		return fault_system(fault, err, "cannot create \"%s\"", path);
	*ret_made = missing;
	return 0;
}

static int mount_custom(const struct paths *paths, struct fault *fault,
			struct bpffs_created *created)
{
	int err = check_mount_lasts(paths->bpffs, fault);

	if (!err)
		err = make_directory(paths->bpffs, fault, &created->directory);
	if (err)
		return err;
	if (!is_empty_directory(paths->bpffs))
		return fault_refuse(fault, EXIT_REFUSED,
				    "SYNFW_BPFFS \"%s\" is not an empty directory; mounting a "
				    "bpffs there would hide what is in it",
				    paths->bpffs);
	err = write_mount_note(paths, created->directory);
	if (err)
		return fault_system(fault, err, "cannot write to \"%s\"", paths->run);
	err = mount_bpffs(paths->bpffs, fault);
	if (err)
		return err;
	created->mounted = true;
	return 0;
}

int bpffs_ensure(const struct paths *paths, struct fault *fault, struct bpffs_created *ret_created)
{
	struct bpffs_created created = {0};
	int err = 0;

	*ret_created = created;
	if (bpffs_is_there(paths))
		return 0;
	if (paths->bpffs_is_default && !on_bpffs(default_mount)) {
		err = check_mount_lasts(default_mount, fault);
		if (!err)
			err = mount_bpffs(default_mount, fault);
		created.mounted = !err;
	}
	if (!err && ancestor_on_bpffs(paths->bpffs))
		err = make_directory(paths->bpffs, fault, &created.directory);
	else if (!err)
		err = mount_custom(paths, fault, &created);
	if (err) {
		bpffs_undo(paths, &created);
		return err;
	}
	*ret_created = created;
	return 0;
}

void bpffs_undo(const struct paths *paths, const struct bpffs_created *created)
{
	if (paths->bpffs_is_default) {
		if (created->directory)
			rmdir(paths->bpffs);
		if (created->mounted)
			umount2(default_mount, UMOUNT_NOFOLLOW);
		return;
	}
	if (created->mounted)
		unmount_ours(paths);
	if (created->directory)
		rmdir(paths->bpffs);
}

void bpffs_release(const struct paths *paths)
{
	bool directory_made = true;

	if (!paths->bpffs_is_default && mount_is_ours(paths, &directory_made))
		unmount_ours(paths);
	else if (!bpffs_is_there(paths))
		return;
	if (directory_made)
		rmdir(paths->bpffs);
}
