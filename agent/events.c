/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "events.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <synfw/cleanup.h>

#include "datapath.h"
#include "live.h"

/* Within a flood the ring is never empty; names must be renewed all the same. */
#define EVENTS_PER_LOOK 1024

struct events {
	const struct paths *paths;
	events_fn fn;
	void *context;
	struct live live; /* its names are those of `generation` */
	struct rule_names names;
	uint32_t map_id;
	struct ring_buffer *ring;
	int lock_fd;
	unsigned int seen;
	struct fault *fault; /* of the reading that goes on */
};

static uint32_t map_id(int fd)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

/* ---- one reader ---- */

/* One byte for each ring buffer: datapaths of several network namespaces may share the directory.
 * The kernel drops the lock when its holder dies. */
static int lock_ring(struct events *events, struct fault *fault)
{
	CLEANUP(cleanup_free) char *path = path_format("%s/events.lock", events->paths->run);
	struct flock range = {.l_type = F_WRLCK, .l_start = events->map_id, .l_len = 1};
	int err;

	if (!path)
		return fault_system(fault, -ENOMEM, "cannot name the lock of the events");
	err = path_make_directories(events->paths->run, 0755);
	if (err)
		return fault_system(fault, err, "cannot create \"%s\"", events->paths->run);
	events->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (events->lock_fd < 0)
		return fault_system(fault, -errno, "cannot open \"%s\"", path);
	if (!fcntl(events->lock_fd, F_OFD_SETLK, &range))
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return fault_refuse(fault, EXIT_REFUSED,
				    "another process reads the events, and each event has one "
				    "reader: end that `synfw events` first");
	return fault_system(fault, -errno, "cannot lock \"%s\"", path);
}

/* ---- names ---- */

static int read_names(struct events *events, struct fault *fault)
{
	CLEANUP(live_close) struct live live = LIVE_NONE;
	int err = live_open(events->paths->live, fault, &live);

	if (err)
		return err;
	if (!live.present || map_id(live.object.map_fd[OBJECT_EVENTS]) != events->map_id)
		return -ENOENT;
	rule_names_close(&events->names);
	live_close(&events->live);
	events->live = live;
	live = (struct live)LIVE_NONE;
	if (rule_names_open(events->live.manifest, &events->names))
		return fault_system(fault, -ENOMEM, "cannot read the names of rules");
	return 0;
}

/* A reload may have given a rule of a new name the counter of one that is gone. */
static int renew_names(struct events *events, struct fault *fault)
{
	struct synfw_control control;
	int err = datapath_read_control(&events->live.object, fault, &control);

	if (err || control.generation == events->live.control.generation)
		return err;
	err = read_names(events, fault);
	return err == -ENOENT ? 0 : err;
}

/* Whether what is pinned is still the ring that is read. */
static bool is_in_force(const struct events *events)
{
	CLEANUP(fault_done) struct fault ignored = {0};
	CLEANUP(cleanup_fd) int fd = -1;

	return !datapath_open_map(events->paths->live, OBJECT_EVENTS, &ignored, &fd) &&
	       map_id(fd) == events->map_id;
}

/* ---- reading ---- */

static int take(void *context, void *data, size_t size)
{
	struct events *events = context;
	int err = 0;

	if (size < sizeof(struct synfw_event))
		return 0;
	if (++events->seen % EVENTS_PER_LOOK == 0)
		err = renew_names(events, events->fault);
	return err ? err : events->fn(data, &events->names, events->context);
}

int events_open(const struct paths *paths, events_fn fn, void *context, struct fault *fault,
		struct events **ret_events)
{
	CLEANUP(events_closep) struct events *events = calloc(1, sizeof(*events));
	CLEANUP(cleanup_fd) int fd = -1;
	int err;

	if (!events)
		return fault_system(fault, -ENOMEM, "cannot read events");
	*events = (struct events){
		.paths = paths, .fn = fn, .context = context, .live = LIVE_NONE, .lock_fd = -1};
	err = datapath_open_map(paths->live, OBJECT_EVENTS, fault, &fd);
	if (err)
		return err;
	events->map_id = map_id(fd);
	err = lock_ring(events, fault);
	if (!err)
		err = read_names(events, fault);
	if (err)
		return err;
	events->ring = ring_buffer__new(fd, take, events, NULL);
	if (!events->ring)
		return fault_system(fault, -errno, "cannot map the ring buffer of the events");
	*ret_events = TAKE_PTR(events);
	return 0;
}

static int consume(struct events *events, struct fault *fault)
{
	int count = ring_buffer__consume(events->ring);

	if (count < 0 && count != -EINTR)
		return fault_system(fault, count, "cannot read events");
	return count < 0 ? count : 0;
}

int events_read(struct events *events, int timeout_ms, struct fault *fault)
{
	struct pollfd ring = {.fd = ring_buffer__epoll_fd(events->ring), .events = POLLIN};
	int ready = timeout_ms ? poll(&ring, 1, timeout_ms) : 1, err;
	bool over;

	if (ready < 0)
		return errno == EINTR ? -EINTR
				      : fault_system(fault, -errno, "cannot wait for events");
	over = !ready && !is_in_force(events);
	/* now, not before the waiting: what comes now may be of a policy that was applied meanwhile
	 */
	err = renew_names(events, fault);
	events->fault = fault;
	if (!err)
		err = consume(events, fault);
	return !err && over ? -ENOENT : err;
}

int events_tallies(const struct events *events, struct fault *fault,
		   uint64_t ret_tallies[SYNFW_NR_TALLIES])
{
	return tallies_read(&events->live.object, fault, ret_tallies);
}

void events_closep(struct events **events)
{
	if (!*events)
		return;
	ring_buffer__free((*events)->ring);
	rule_names_close(&(*events)->names);
	live_close(&(*events)->live);
	cleanup_fd(&(*events)->lock_fd);
	free(*events);
	*events = NULL;
}
