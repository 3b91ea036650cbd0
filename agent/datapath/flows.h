/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_FLOWS_H
#define SYNFW_AGENT_FLOWS_H

/* The connections that a datapath remembers. */
#include <stdbool.h>
#include <stddef.h>

#include <synfw/state.h>

#include "object.h"

struct flow_list {
	struct synfw_flow *items;
	size_t count;
};

/* The clock of connections. */
uint64_t flows_now_ns(void);

/* Those of both maps that have not ended, in no order. */
int flows_read(const struct object *object, struct fault *fault, struct flow_list *ret_list);
void flow_list_done(struct flow_list *list);

/* Forgets all of them. */
int flows_clear(const struct object *object, struct fault *fault);

struct flows_count {
	uint32_t by_kind[SYNFW_NR_FLOW_KINDS];
	uint32_t flows, udp_flows; /* in each map */
	uint64_t lost;		   /* could not be remembered */
};

int flows_count(const struct object *object, struct fault *fault, struct flows_count *ret_count);

/* Whether a connection is remembered and has not ended. */
bool flows_has(const struct object *object, const struct synfw_flow_tuple *tuple);

/* Where the maps have it. */
struct synfw_flow_key flow_key(const struct synfw_flow_tuple *tuple);

/* "tcp", "established" */
const char *flow_protocol_word(const struct synfw_flow_tuple *tuple);
const char *flow_state_word(const struct synfw_flow *flow);

/* Until it ends, if this host sends nothing more. */
uint64_t flow_seconds_left(const struct synfw_flow *flow, uint64_t now_ns);

/* "192.0.2.1:443", "[2001:db8::1]:443" */
#define FLOW_TEXT_MAX 64
const char *flow_endpoint_text(const struct synfw_addr6 *address, __be16 port_be,
			       char text[FLOW_TEXT_MAX]);

#endif
