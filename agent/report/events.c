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

#include "datapath/datapath.h"
#include "datapath/live.h"
#include "processes/half.h"
#include "processes/tallies.h"

/* Within a flood the ring is never empty; names must be renewed all the same. */
#define EVENTS_PER_LOOK 1024

struct events {
	const struct paths *paths;
	struct events_reader reader;
	struct live live; /* its names are those of `generation` */
	struct rule_names names;
	struct process_half processes; /* absent without rules on processes */
	struct process_names process_names;
	uint32_t map_id;
	uint32_t process_map_id; /* of the second ring buffer; 0: there is none */
	struct ring_buffer *ring;
	int lock_fd;
	unsigned int seen;
	struct fault *fault; /* of the reading that goes on */
};

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

/* The ring buffer of processes comes and goes with the rules on them. */
static int read_processes(struct events *events, struct fault *fault)
{
	CLEANUP(process_half_close) struct process_half half = PROCESS_HALF_NONE;
	int err = process_half_find(events->paths->live, events->live.control.active, fault, &half);

	if (err)
		return err;
	process_half_close(&events->processes);
	events->processes = half;
	half = (struct process_half)PROCESS_HALF_NONE;
	process_names_close(&events->process_names);
	if (process_names_open(events->live.manifest, &events->process_names))
		return fault_system(fault, -ENOMEM, "cannot read the names of rules");
	return 0;
}

static int read_names(struct events *events, struct fault *fault)
{
	CLEANUP(live_close) struct live live = LIVE_NONE;
	int err = live_open(events->paths->live, fault, &live);

	if (err)
		return err;
	if (!live.present || object_map_id(live.object.map_fd[OBJECT_EVENTS]) != events->map_id)
		return -ENOENT;
	rule_names_close(&events->names);
	live_close(&events->live);
	events->live = live;
	live = (struct live)LIVE_NONE;
	if (rule_names_open(events->live.manifest, &events->names))
		return fault_system(fault, -ENOMEM, "cannot read the names of rules");
	return read_processes(events, fault);
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
	       object_map_id(fd) == events->map_id;
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
	return err ? err : events->reader.packet(data, &events->names, events->reader.context);
}

/* What `logging.events` of the policy in force names. */
static bool is_wanted(const struct events *events, const struct synfw_process_event *event)
{
	const struct manifest *manifest = events->live.manifest;

	if (!manifest)
		return true;
	return event->trigger == SYNFW_ON_EXEC || event->trigger == SYNFW_ON_PEER_BLOCK
		       ? !manifest->hides_process_events
		       : !manifest->hides_memory_events;
}

static int take_process(void *context, void *data, size_t size)
{
	struct events *events = context;
	int err = 0;

	if (size < sizeof(struct synfw_process_event))
		return 0;
	if (++events->seen % EVENTS_PER_LOOK == 0)
		err = renew_names(events, events->fault);
	if (err || !is_wanted(events, data))
		return err;
	return events->reader.process(data, &events->process_names, events->reader.context);
}

/* Both ring buffers, or the one that there is. What is not read of one that goes is lost with it.
 */
static int map_rings(struct events *events, struct fault *fault)
{
	uint32_t process_map_id =
		events->processes.present
			? object_map_id(events->processes.object.map_fd[PROCESS_EVENTS])
			: 0;

	if (events->ring && process_map_id == events->process_map_id)
		return 0;
	ring_buffer__free(events->ring);
	events->ring =
		ring_buffer__new(events->live.object.map_fd[OBJECT_EVENTS], take, events, NULL);
	if (!events->ring ||
	    (process_map_id &&
	     ring_buffer__add(events->ring, events->processes.object.map_fd[PROCESS_EVENTS],
			      take_process, events)))
		return fault_system(fault, -errno, "cannot map the ring buffers of the events");
	events->process_map_id = process_map_id;
	return 0;
}

int events_open(const struct paths *paths, const struct events_reader *reader, struct fault *fault,
		struct events **ret_events)
{
	CLEANUP(events_closep) struct events *events = calloc(1, sizeof(*events));
	CLEANUP(cleanup_fd) int fd = -1;
	int err;

	if (!events)
		return fault_system(fault, -ENOMEM, "cannot read events");
	*events = (struct events){.paths = paths,
				  .reader = *reader,
				  .live = LIVE_NONE,
				  .processes = PROCESS_HALF_NONE,
				  .lock_fd = -1};
	err = datapath_open_map(paths->live, OBJECT_EVENTS, fault, &fd);
	if (err)
		return err;
	events->map_id = object_map_id(fd);
	err = lock_ring(events, fault);
	if (!err)
		err = read_names(events, fault);
	if (!err)
		err = map_rings(events, fault);
	if (err)
		return err;
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
		err = map_rings(events, fault);
	if (!err)
		err = consume(events, fault);
	return !err && over ? -ENOENT : err;
}

int events_tallies(const struct events *events, struct fault *fault,
		   struct events_tallies *ret_tallies)
{
	struct events_tallies tallies = {0};
	int err = tallies_read(&events->live.object, fault, tallies.packets);

	if (!err && events->processes.present)
		err = process_tally_read(&events->processes.object, SYNFW_PROCESS_TALLY_EVENTS_LOST,
					 fault, &tallies.processes_lost);
	if (!err && events->processes.present)
		err = process_tally_read(&events->processes.object,
					 SYNFW_PROCESS_TALLY_EVENTS_LIMITED, fault,
					 &tallies.processes_limited);
	if (err)
		return err;
	*ret_tallies = tallies;
	return 0;
}

void events_closep(struct events **events)
{
	if (!*events)
		return;
	ring_buffer__free((*events)->ring);
	rule_names_close(&(*events)->names);
	process_names_close(&(*events)->process_names);
	process_half_close(&(*events)->processes);
	live_close(&(*events)->live);
	cleanup_fd(&(*events)->lock_fd);
	free(*events);
	*events = NULL;
}
