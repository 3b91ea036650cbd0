/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "peers.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "policy/rule_names.h"

int peers_look_up(const struct object *object, const struct synfw_addr6 *source,
		  struct fault *fault, struct synfw_peer *ret_peer)
{
	struct synfw_peer peer;

	if (bpf_map_lookup_elem(object->map_fd[OBJECT_PEERS], source, &peer))
		return errno == ENOENT ? -ENOENT
				       : fault_system(fault, -errno, "cannot look for a mark");
	*ret_peer = peer;
	return 0;
}

bool peer_is_pending(const struct synfw_peer *peer, bool monitor, uint64_t now_boot_ns)
{
	bool ended = peer->until_boot_ns && peer->until_boot_ns <= now_boot_ns;

	if (peer->flags & SYNFW_PEER_MONITOR && !monitor)
		return false;
	return peer->pending & SYNFW_PEER_POINTS || (peer->pending & SYNFW_PEER_BLOCK && !ended);
}

int peers_forget(const struct object *object, const struct synfw_addr6 *source, struct fault *fault)
{
	if (!bpf_map_delete_elem(object->map_fd[OBJECT_PEERS], source))
		return 0;
	return errno == ENOENT ? -ENOENT : fault_system(fault, -errno, "cannot forget a mark");
}

/* The kernel makes marks meanwhile: at most as many steps as there is room, so that this ends. */
static int read_sources(const struct object *object, struct synfw_addr6 *sources, size_t *ret_count)
{
	const struct synfw_addr6 *before = NULL;
	size_t count = 0;
	int fd = object->map_fd[OBJECT_PEERS];

	while (count < SYNFW_MAX_PEERS) {
		if (bpf_map_get_next_key(fd, before, &sources[count])) {
			if (errno != ENOENT)
				return -errno;
			break;
		}
		before = &sources[count++];
	}
	*ret_count = count;
	return 0;
}

static bool is_gone(const struct synfw_peer *peer, const uint16_t *becomes)
{
	return peer->counter >= RULE_NAMES_COUNTERS || !becomes[peer->counter];
}

/* `becomes`: of these rules only; NULL: all. */
static int forget(const struct object *object, const uint16_t *becomes, struct fault *fault)
{
	CLEANUP(cleanup_free)
	struct synfw_addr6 *sources = calloc(SYNFW_MAX_PEERS, sizeof(*sources));
	struct synfw_peer peer;
	size_t count = 0, i;
	int err = sources ? read_sources(object, sources, &count) : -ENOMEM;

	if (err)
		return fault_system(fault, err, "cannot read the marks");
	for (i = 0; !err && i < count; i++) {
		err = peers_look_up(object, &sources[i], fault, &peer);
		if (!err && (!becomes || is_gone(&peer, becomes)))
			err = peers_forget(object, &sources[i], fault);
		if (err == -ENOENT)
			err = 0;
	}
	return err;
}

int peers_forget_all(const struct object *object, struct fault *fault)
{
	return forget(object, NULL, fault);
}

int peers_forget_rules(const struct object *object, const uint16_t *becomes, struct fault *fault)
{
	return forget(object, becomes, fault);
}
