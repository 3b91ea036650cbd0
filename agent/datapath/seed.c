/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "seed.h"

#include <errno.h>
#include <linux/in.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "host/netlink.h"
#include "host/proc_sockets.h"

#define MAX_DUMPS     6
#define TCP_NEW_STATE 12 /* TCP_NEW_SYN_RECV: how the kernel itself calls a half-open one */

static const uint32_t timeouts_s[SYNFW_NR_FLOW_KINDS][SYNFW_NR_FLOW_STATES] = SYNFW_FLOW_TIMEOUTS_S;

/* What a socket's state is to a connection. A socket in TIME_WAIT has ended. */
static const struct {
	bool open;
	enum synfw_flow_state state;
	bool fin_sent, fin_received;
} states[] = {
	[TCP_ESTABLISHED] = {true, SYNFW_FLOW_ESTABLISHED, false, false},
	[TCP_SYN_SENT] = {true, SYNFW_FLOW_OPENING, false, false},
	[TCP_SYN_RECV] = {true, SYNFW_FLOW_OPENING, false, false},
	[TCP_FIN_WAIT1] = {true, SYNFW_FLOW_CLOSING, true, false},
	[TCP_FIN_WAIT2] = {true, SYNFW_FLOW_CLOSING, true, false},
	[TCP_CLOSE_WAIT] = {true, SYNFW_FLOW_CLOSING, false, true},
	[TCP_LAST_ACK] = {true, SYNFW_FLOW_CLOSING, true, true},
	[TCP_CLOSING] = {true, SYNFW_FLOW_CLOSING, true, true},
	[TCP_NEW_STATE] = {true, SYNFW_FLOW_OPENING, false, false},
};
#define NR_STATES (sizeof(states) / sizeof(*states))

static const struct {
	uint8_t protocol;
	enum synfw_flow_kind kind;
	uint32_t states; /* asked for, one bit each */
} questions[] = {
	{IPPROTO_TCP, SYNFW_FLOW_TCP, ~(1U << TCP_LISTEN | 1U << TCP_CLOSE | 1U << TCP_TIME_WAIT)},
	/* connected */
	{IPPROTO_UDP, SYNFW_FLOW_UDP, 1U << TCP_ESTABLISHED},
};

struct dump {
	struct flow_list *list;
	uint8_t protocol;
	enum synfw_flow_kind kind;
	uint32_t states; /* that are wanted, one bit each */
	uint64_t now_ns;
	int error;
};

static void set_address(struct synfw_addr6 *address, int family, const uint32_t words_be[4])
{
	if (family == AF_INET6) {
		memcpy(address, words_be, sizeof(*address));
		return;
	}
	memset(address, 0, sizeof(*address));
	address->byte[10] = 0xff;
	address->byte[11] = 0xff;
	memcpy(address->byte + 12, words_be, 4);
}

/* Also ::ffff:127.0.0.1 */
static bool is_loopback(const struct synfw_addr6 *address)
{
	static const struct synfw_addr6 loopback6 = {.byte = {[15] = 1}};
	static const uint8_t loopback4[13] = {[10] = 0xff, [11] = 0xff, [12] = 127};

	return !memcmp(address, &loopback6, sizeof(loopback6)) ||
	       !memcmp(address, loopback4, sizeof(loopback4));
}

static uint32_t timeout_s(enum synfw_flow_kind kind, const struct synfw_flow *flow)
{
	/* as the datapath has it: only a FIN of this host shortens the wait */
	if (flow->state == SYNFW_FLOW_CLOSING && !flow->fin_sent)
		return timeouts_s[kind][SYNFW_FLOW_ESTABLISHED];
	return timeouts_s[kind][flow->state];
}

static int add_socket(const struct inet_diag_msg *socket, void *context)
{
	struct dump *dump = context;
	struct flow_list *list = dump->list;
	struct synfw_flow *items, flow = {
					  .tuple = {.protocol = dump->protocol,
						    .local_port_be = socket->id.idiag_sport,
						    .remote_port_be = socket->id.idiag_dport},
					  .seeded = 1,
				  };

	if (socket->idiag_state >= NR_STATES || !states[socket->idiag_state].open ||
	    !(dump->states >> socket->idiag_state & 1))
		return 0;
	flow.state = states[socket->idiag_state].state;
	flow.fin_sent = states[socket->idiag_state].fin_sent;
	flow.fin_received = states[socket->idiag_state].fin_received;
	flow.expires_ns = dump->now_ns + timeout_s(dump->kind, &flow) * SYNFW_NS_PER_S;
	set_address(&flow.tuple.local, socket->idiag_family, socket->id.idiag_src);
	set_address(&flow.tuple.remote, socket->idiag_family, socket->id.idiag_dst);
	if (is_loopback(&flow.tuple.remote))
		return 0;
	items = reallocarray(list->items, list->count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->count++] = flow;
	return 0;
}

static int read_socket(const struct nlmsghdr *message, void *argument)
{
	struct dump *dump = argument;

	if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(struct inet_diag_msg))
		return MNL_CB_OK;
	dump->error = add_socket(mnl_nlmsg_get_payload(message), dump);
	return dump->error ? MNL_CB_ERROR : MNL_CB_OK;
}

static int ask(struct mnl_socket *socket, uint8_t family, struct dump *dump)
{
	char buffer[NETLINK_BYTES];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *request;
	int err;

	message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
	request->sdiag_family = family;
	request->sdiag_protocol = dump->protocol;
	request->idiag_states = dump->states;
	err = netlink_dump(socket, message, read_socket, dump);
	return dump->error ? dump->error : err;
}

static int dump_sockets(struct flow_list *list)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	CLEANUP(netlink_closep) struct mnl_socket *socket = NULL;
	size_t i, j;
	int err = netlink_open(NETLINK_SOCK_DIAG, &socket);

	if (err)
		return err;
	for (i = 0; i < sizeof(questions) / sizeof(*questions); i++) {
		for (j = 0; j < sizeof(families); j++) {
			struct dump dump = {
				.list = list,
				.protocol = questions[i].protocol,
				.kind = questions[i].kind,
				.states = questions[i].states,
				.now_ns = flows_now_ns(),
			};

			err = ask(socket, families[j], &dump);
			if (err == -ENOENT) /* the kernel has nobody who answers for the protocol */
				err = proc_sockets_each(dump.protocol, families[j], add_socket,
							&dump);
			/* a host without IPv6 has no such sockets */
			if (err && !(families[j] == AF_INET6 && err == -EAFNOSUPPORT))
				return err;
		}
	}
	return 0;
}

int seed_read(struct fault *fault, struct flow_list *ret_list)
{
	CLEANUP(flow_list_done) struct flow_list list = {0};
	int attempt, err = -EINTR;

	for (attempt = 0; err == -EINTR && attempt < MAX_DUMPS; attempt++) {
		list.count = 0;
		err = dump_sockets(&list);
	}
	if (err == -EINTR)
		return fault_refuse(fault, EXIT_KERNEL,
				    "cannot list the connections that are open: they changed "
				    "during each of %d attempts; try again",
				    MAX_DUMPS);
	if (err)
		return fault_system(fault, err,
				    "cannot list the connections that are open, which the policy "
				    "would cut");
	*ret_list = list;
	list = (struct flow_list){0};
	return 0;
}

bool seed_has(const struct flow_list *seeds, const struct synfw_flow_tuple *tuple)
{
	size_t i;

	for (i = 0; i < seeds->count; i++)
		if (!memcmp(&seeds->items[i].tuple, tuple, sizeof(*tuple)))
			return true;
	return false;
}

static int cannot_insert(struct fault *fault)
{
	return fault_system(fault, -errno, "cannot remember the connections that are open");
}

int seed_insert(struct flow_list *seeds, const struct object *object, struct fault *fault,
		size_t *ret_count)
{
	int map_fd = object->map_fd[OBJECT_FLOWS];
	struct synfw_flow *flow, before;
	struct synfw_flow_key key;
	size_t i;

	*ret_count = 0;
	for (i = 0; i < seeds->count; i++) {
		flow = &seeds->items[i];
		key = flow_key(&flow->tuple);
		if (!bpf_map_update_elem(map_fd, &key, flow, BPF_NOEXIST)) {
			before = seeds->items[*ret_count];
			seeds->items[(*ret_count)++] = *flow;
			*flow = before;
			continue;
		}
		if (errno != EEXIST)
			return cannot_insert(fault);
		/* what is known of it may be older than its socket */
		if (bpf_map_update_elem(map_fd, &key, flow, BPF_ANY))
			return cannot_insert(fault);
	}
	return 0;
}

void seed_remove(const struct flow_list *seeds, const struct object *object, size_t count)
{
	struct synfw_flow_key key;
	size_t i;

	for (i = 0; i < count; i++) {
		key = flow_key(&seeds->items[i].tuple);
		bpf_map_delete_elem(object->map_fd[OBJECT_FLOWS], &key);
	}
}
