/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "connection.h"

#include <errno.h>
#include <string.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/in.h>

#include <synfw/state.h>

#define PEER_PORT 443
#define OWN_PORT  49152

/* 198.18.0.0 and up, 2001:db8:: and up; this host is 198.51.100.1 or 2001:db8:ffff::1. */
static void addresses(const struct connection *connection, struct synfw_addr6 *ret_peer,
		      struct synfw_addr6 *ret_own)
{
	uint32_t peer_be = htonl((connection->family == 4 ? 0xc6120000 : 0) + connection->number);

	*ret_peer = (struct synfw_addr6){.byte = {0x20, 0x01, 0x0d, 0xb8}};
	*ret_own = (struct synfw_addr6){.byte = {0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff, [15] = 1}};
	if (connection->family == 4) {
		*ret_peer = (struct synfw_addr6){.byte = {[10] = 0xff, 0xff}};
		*ret_own =
			(struct synfw_addr6){.byte = {[10] = 0xff, 0xff, 0xc6, 0x33, 0x64, 0x01}};
	}
	memcpy(ret_peer->byte + 12, &peer_be, sizeof(peer_be));
}

static uint32_t fold(const struct synfw_addr6 *address)
{
	uint64_t half[2];

	memcpy(half, address->byte, sizeof(half));
	return synfw_flow_fold(half[0], half[1]);
}

/* As the egress filter does for the port of a socket that is not connected. */
static int note_unconnected(const struct datapath *datapath, uint16_t port)
{
	int fd = datapath_map_fd(datapath, "synfw_unconnected_udp");
	uint32_t key = port / 64;
	uint64_t word = 0;

	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, &key, &word))
		return -errno;
	word |= 1ULL << port % 64;
	return bpf_map_update_elem(fd, &key, &word, BPF_ANY) ? -errno : 0;
}

/* Each has one of its own. */
static uint16_t own_port(const struct connection *connection)
{
	return OWN_PORT + connection->number;
}

int connection_put(const struct datapath *datapath, const struct connection *connection)
{
	bool udp = connection->protocol == IPPROTO_UDP && !connection->connected;
	int fd = datapath_map_fd(datapath, udp ? "synfw_udp_flows" : "synfw_flows");
	struct synfw_flow flow = {
		.tuple = {.remote_port_be = htons(PEER_PORT),
			  .local_port_be = htons(own_port(connection)),
			  .protocol = connection->protocol},
		.expires_ns = UINT64_MAX,
		.state = SYNFW_FLOW_ESTABLISHED,
	};
	struct synfw_flow_key key = {.remote_port_be = flow.tuple.remote_port_be,
				     .local_port_be = flow.tuple.local_port_be};

	if (fd < 0)
		return fd;
	addresses(connection, &flow.tuple.remote, &flow.tuple.local);
	key.remote = fold(&flow.tuple.remote);
	key.local = fold(&flow.tuple.local) + connection->protocol;
	if (bpf_map_update_elem(fd, &key, &flow, BPF_ANY))
		return -errno;
	return udp ? note_unconnected(datapath, own_port(connection)) : 0;
}

void connection_frame(const struct connection *connection, struct frame *ret_frame)
{
	struct frame_spec spec = FRAME_SPEC_DEFAULT;
	size_t skipped = connection->family == 4 ? 12 : 0;
	struct synfw_addr6 peer, own;

	addresses(connection, &peer, &own);
	spec.family = connection->family;
	spec.proto = connection->protocol;
	memcpy(spec.saddr, peer.byte + skipped, 16 - skipped);
	memcpy(spec.daddr, own.byte + skipped, 16 - skipped);
	spec.sport = PEER_PORT;
	spec.dport = own_port(connection);
	spec.tcp_flags = SYNFW_TCP_ACK;
	frame_build(&spec, ret_frame);
}
