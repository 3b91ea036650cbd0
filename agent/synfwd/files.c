/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Changes of the files that name servers and DHCP servers are read from, and of the one by which
 * commands ask for a look. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>

#include <synfw/cleanup.h>

#include "host/infrastructure.h"
#include "host/instance.h"
#include "source.h"

struct files {
	int fd;
	sd_event_source *io;
	struct keeper *keeper;
};

static void files_close(void *state)
{
	struct files *files = state;

	if (!files)
		return;
	sd_event_source_disable_unref(files->io);
	cleanup_fd(&files->fd);
	free(files);
}

static void cleanup_files(struct files **files)
{
	files_close(*files);
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *context)
{
	struct files *files = context;

	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	keeper_request(files->keeper);
	return 0;
}

/* A directory that is not there is waited for in the nearest one above it that is. A watch that
 * exists is not made again. */
static void watch(const char *path, void *context)
{
	static const uint32_t changes = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
					IN_MOVED_TO | IN_ONLYDIR | IN_MASK_ADD;
	static const uint32_t arrivals = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_MASK_ADD;
	CLEANUP(cleanup_free) char *above = strdup(path);
	const struct files *files = context;
	char *slash;

	if (inotify_add_watch(files->fd, path, changes) >= 0)
		return;
	while (above && (slash = strrchr(above, '/')) && slash != above) {
		*slash = '\0';
		if (inotify_add_watch(files->fd, above, arrivals) >= 0)
			return;
	}
}

/* resolv.conf is often a symbolic link to where somebody writes it. */
static void watch_link_target(const struct files *files)
{
	char target[PATH_MAX], *slash;

	if (!realpath("/etc/resolv.conf", target))
		return;
	slash = strrchr(target, '/');
	if (slash && slash != target) {
		*slash = '\0';
		watch(target, (void *)files);
	}
}

/* As in routes.c. Directories that appeared meanwhile are watched before they are read. */
static void listen_again(void *context)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct files *files = context;

	while (read(files->fd, events, sizeof(events)) > 0 || errno == EINTR)
		;
	infrastructure_each_directory(watch, files);
	watch_link_target(files);
	keeper_hears(files->keeper, !instance_watch(keeper_paths(files->keeper), files->fd));
	sd_event_source_set_enabled(files->io, SD_EVENT_ON);
}

static int files_open(sd_event *event, struct keeper *keeper, struct fault *fault, void **ret_state)
{
	CLEANUP(cleanup_files) struct files *files = calloc(1, sizeof(*files));
	int err = files ? 0 : -ENOMEM;

	if (!err) {
		files->keeper = keeper;
		files->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		err = files->fd < 0 ? -errno : 0;
	}
	if (!err)
		err = sd_event_add_io(event, &files->io, files->fd, EPOLLIN, on_readable, files);
	if (err >= 0)
		err = keeper_add_hook(keeper, listen_again, files);
	if (err < 0)
		return fault_system(fault, err, "cannot listen for changes of files");
	*ret_state = TAKE_PTR(files);
	return 0;
}

const struct source source_files = {"files", files_open, files_close};
