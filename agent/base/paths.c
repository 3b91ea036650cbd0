/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "paths.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <synfw/abi.h>
#include <synfw/cleanup.h>

char *path_format(const char *format, ...)
{
	char *text;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	return length < 0 ? NULL : text;
}

static int directory_from_environment(const char *variable, const char *fallback,
				      struct fault *fault, char **ret_path)
{
	const char *value = getenv(variable);
	size_t length;
	char *path;

	if (!value || !*value)
		value = fallback;
	if (value[0] != '/')
		return fault_refuse(fault, EXIT_USAGE,
				    "%s is \"%s\"; it must be an absolute path, such as %s",
				    variable, value, fallback);
	path = strdup(value);
	if (!path)
		return fault_system(fault, -ENOMEM, "cannot read %s", variable);
	for (length = strlen(path); length > 1 && path[length - 1] == '/'; length--)
		path[length - 1] = '\0';
	*ret_path = path;
	return 0;
}

int paths_init(struct fault *fault, struct paths *ret)
{
	static const char default_bpffs[] = "/sys/fs/bpf/synfw";
	CLEANUP(paths_done) struct paths paths = {0};
	int err;

	err = directory_from_environment("SYNFW_BPFFS", default_bpffs, fault, &paths.bpffs);
	if (err)
		return err;
	err = directory_from_environment("SYNFW_RUN_DIR", "/run/synfw", fault, &paths.run);
	if (err)
		return err;
	err = directory_from_environment("SYNFW_STATE_DIR", "/var/lib/synfw", fault, &paths.state);
	if (err)
		return err;
	paths.bpffs_is_default = !strcmp(paths.bpffs, default_bpffs);
	paths.live = path_format("%s/abi%d", paths.bpffs, SYNFW_ABI_VERSION);
	paths.staging = path_format("%s/new", paths.bpffs);
	paths.discarded = path_format("%s/old", paths.bpffs);
	if (!paths.live || !paths.staging || !paths.discarded)
		return fault_system(fault, -ENOMEM, "cannot name the pin directories");

	*ret = paths;
	paths = (struct paths){0};
	return 0;
}

void paths_done(struct paths *paths)
{
	free(paths->bpffs);
	free(paths->run);
	free(paths->state);
	free(paths->live);
	free(paths->staging);
	free(paths->discarded);
	*paths = (struct paths){0};
}

int path_make_directories(const char *path, unsigned int mode)
{
	CLEANUP(cleanup_free) char *copy = strdup(path);
	char *slash;

	if (!copy)
		return -ENOMEM;
	for (slash = copy + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(copy, mode) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	if (mkdir(copy, mode) && errno != EEXIST)
		return -errno;
	return 0;
}
