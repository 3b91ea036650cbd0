/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "flows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <synfw/cleanup.h>

static const enum object_map flow_maps[] = {OBJECT_FLOWS, OBJECT_UDP_FLOWS};
#define NR_FLOW_MAPS (sizeof(flow_maps) / sizeof(*flow_maps))

static const struct {
	uint8_t protocol;
	enum synfw_flow_kind kind;
	const char *word;
} protocols[] = {
	{IPPROTO_TCP, SYNFW_FLOW_TCP, "tcp"},	 {IPPROTO_UDP, SYNFW_FLOW_UDP, "udp"},
	{IPPROTO_ICMP, SYNFW_FLOW_ICMP, "icmp"}, {IPPROTO_ICMPV6, SYNFW_FLOW_ICMP, "icmpv6"},
	{IPPROTO_SCTP, SYNFW_FLOW_SCTP, "sctp"},
};

static const char *const state_words[] = {
	[SYNFW_FLOW_OPENING] = "opening",
	[SYNFW_FLOW_ESTABLISHED] = "established",
	[SYNFW_FLOW_CLOSING] = "closing",
	[SYNFW_FLOW_CLOSED] = "closed",
};

uint64_t flows_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * SYNFW_NS_PER_S + now.tv_nsec;
}

/* What one lookup of a batch returns. */
struct batch {
	struct synfw_flow_key *keys;
	struct synfw_flow *flows;
	uint32_t count;
};

static void batch_done(struct batch *batch)
{
	free(batch->keys);
	free(batch->flows);
}

/* The map never has more entries than this, so one call has them all. */
static int read_map(int map_fd, struct batch *ret_batch)
{
	CLEANUP(batch_done)
	struct batch batch = {
		.keys = calloc(SYNFW_MAX_FLOWS, sizeof(*batch.keys)),
		.flows = calloc(SYNFW_MAX_FLOWS, sizeof(*batch.flows)),
		.count = SYNFW_MAX_FLOWS,
	};
	uint32_t position;

	if (!batch.keys || !batch.flows)
		return -ENOMEM;
	if (bpf_map_lookup_batch(map_fd, NULL, &position, batch.keys, batch.flows, &batch.count,
				 NULL) &&
	    errno != ENOENT)
		return -errno;
	*ret_batch = batch;
	batch = (struct batch){0};
	return 0;
}

static int cannot_read(int error, struct fault *fault)
{
	return fault_system(fault, error, "cannot read the connections");
}

static int add_live(struct flow_list *list, const struct batch *batch, uint64_t now_ns)
{
	struct synfw_flow *items =
		reallocarray(list->items, list->count + batch->count + 1, sizeof(*items));
	uint32_t i;

	if (!items)
		return -ENOMEM;
	list->items = items;
	for (i = 0; i < batch->count; i++)
		if (now_ns < synfw_flow_end_ns(&batch->flows[i]))
			items[list->count++] = batch->flows[i];
	return 0;
}

static int read_into(const struct object *object, enum object_map map, struct flow_list *list)
{
	CLEANUP(batch_done) struct batch batch = {0};
	int err = read_map(object->map_fd[map], &batch);

	return err ? err : add_live(list, &batch, flows_now_ns());
}

int flows_read(const struct object *object, struct fault *fault, struct flow_list *ret_list)
{
	CLEANUP(flow_list_done) struct flow_list list = {0};
	size_t i;
	int err;

	for (i = 0; i < NR_FLOW_MAPS; i++) {
		err = read_into(object, flow_maps[i], &list);
		if (err)
			return cannot_read(err, fault);
	}
	*ret_list = list;
	list = (struct flow_list){0};
	return 0;
}

void flow_list_done(struct flow_list *list)
{
	free(list->items);
}

static int clear_map(int map_fd)
{
	CLEANUP(batch_done) struct batch batch = {0};
	int err = read_map(map_fd, &batch);
	uint32_t i;

	for (i = 0; !err && i < batch.count; i++)
		if (bpf_map_delete_elem(map_fd, &batch.keys[i]) && errno != ENOENT)
			err = -errno;
	return err;
}

int flows_clear(const struct object *object, struct fault *fault)
{
	size_t i;
	int err;

	for (i = 0; i < NR_FLOW_MAPS; i++) {
		err = clear_map(object->map_fd[flow_maps[i]]);
		if (err)
			return fault_system(fault, err, "cannot forget the connections");
	}
	return 0;
}

static int protocol_index(uint8_t protocol)
{
	size_t i;

	for (i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (protocols[i].protocol == protocol)
			return i;
	return -1;
}

static int count_map(const struct object *object, enum object_map map, struct fault *fault,
		     uint32_t by_kind[], uint32_t *ret_count)
{
	CLEANUP(flow_list_done) struct flow_list list = {0};
	int err = read_into(object, map, &list), index;
	size_t i;

	if (err)
		return cannot_read(err, fault);
	for (i = 0; i < list.count; i++) {
		index = protocol_index(list.items[i].tuple.protocol);
		if (index >= 0)
			by_kind[protocols[index].kind]++;
	}
	*ret_count = list.count;
	return 0;
}

static int read_lost(const struct object *object, struct fault *fault, uint64_t *ret_lost)
{
	int nr_cpus = libbpf_num_possible_cpus(), i;
	CLEANUP(cleanup_free)
	uint64_t *tallies = nr_cpus > 0 ? calloc(nr_cpus, sizeof(*tallies)) : NULL;
	uint32_t key = SYNFW_TALLY_FLOWS_FULL;

	if (!tallies)
		return cannot_read(-ENOMEM, fault);
	if (bpf_map_lookup_elem(object->map_fd[OBJECT_TALLIES], &key, tallies))
		return cannot_read(-errno, fault);
	*ret_lost = 0;
	for (i = 0; i < nr_cpus; i++)
		*ret_lost += tallies[i];
	return 0;
}

int flows_count(const struct object *object, struct fault *fault, struct flows_count *ret_count)
{
	struct flows_count count = {0};
	int err;

	err = count_map(object, OBJECT_FLOWS, fault, count.by_kind, &count.flows);
	if (!err)
		err = count_map(object, OBJECT_UDP_FLOWS, fault, count.by_kind, &count.udp_flows);
	if (!err)
		err = read_lost(object, fault, &count.lost);
	if (!err)
		*ret_count = count;
	return err;
}

static uint32_t fold(const struct synfw_addr6 *address)
{
	uint64_t half[2];

	memcpy(half, address, sizeof(half));
	return synfw_flow_fold(half[0], half[1]);
}

struct synfw_flow_key flow_key(const struct synfw_flow_tuple *tuple)
{
	return (struct synfw_flow_key){
		.remote = fold(&tuple->remote),
		.local = fold(&tuple->local) + tuple->protocol,
		.remote_port_be = tuple->remote_port_be,
		.local_port_be = tuple->local_port_be,
	};
}

bool flows_has(const struct object *object, const struct synfw_flow_tuple *tuple)
{
	struct synfw_flow_key key = flow_key(tuple);
	struct synfw_flow flow;

	return !bpf_map_lookup_elem(object->map_fd[OBJECT_FLOWS], &key, &flow) &&
	       !memcmp(&flow.tuple, tuple, sizeof(*tuple)) &&
	       flows_now_ns() < synfw_flow_end_ns(&flow);
}

const char *flow_protocol_word(const struct synfw_flow_tuple *tuple)
{
	int index = protocol_index(tuple->protocol);

	return index < 0 ? "unknown" : protocols[index].word;
}

const char *flow_state_word(const struct synfw_flow *flow)
{
	return flow->state < SYNFW_NR_FLOW_STATES ? state_words[flow->state] : "unknown";
}

uint64_t flow_seconds_left(const struct synfw_flow *flow, uint64_t now_ns)
{
	uint64_t end_ns = synfw_flow_end_ns(flow);

	return end_ns > now_ns ? (end_ns - now_ns) / SYNFW_NS_PER_S : 0;
}

const char *flow_endpoint_text(const struct synfw_addr6 *address, __be16 port_be,
			       char text[FLOW_TEXT_MAX])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool ipv4 = !memcmp(address, mapped, sizeof(mapped));
	char words[INET6_ADDRSTRLEN];

	inet_ntop(ipv4 ? AF_INET : AF_INET6, address->byte + (ipv4 ? 12 : 0), words, sizeof(words));
	snprintf(text, FLOW_TEXT_MAX, ipv4 ? "%s:%u" : "[%s]:%u", words, ntohs(port_be));
	return text;
}
