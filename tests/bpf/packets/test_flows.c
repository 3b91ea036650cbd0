/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Connections as XDP finds them in the two maps; netns-tests/connections.sh has what puts them
 * there. */
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <netinet/in.h>

#include <bpf/bpf.h>

#include "model/frame.h"
#include "base/must.h"
#include "harness/state.h"

#define REMOTE	    0xc0000207
#define LOCAL	    0xc6336401
#define REMOTE_PORT 53
#define LOCAL_PORT  40000
#define ENDED	    1
#define LIVES	    UINT64_MAX

static const struct policyc_interface eth0 = {"eth0", 1};
static const struct policyc_options options = {.interfaces = &eth0, .nr_interfaces = 1};
static struct datapath *datapath;
static int test_number, failed;

static uint32_t fold(const struct synfw_addr6 *address)
{
	uint64_t half[2];

	memcpy(half, address, sizeof(half));
	return synfw_flow_fold(half[0], half[1]);
}

static void put_flow(const char *map, uint8_t protocol, uint64_t expires_ns)
{
	struct synfw_flow flow = {
		.tuple = {.remote = addr6_of_v4(REMOTE),
			  .local = addr6_of_v4(LOCAL),
			  .remote_port_be = htons(REMOTE_PORT),
			  .local_port_be = htons(LOCAL_PORT),
			  .protocol = protocol},
		.expires_ns = expires_ns,
		.state = SYNFW_FLOW_ESTABLISHED,
	};
	struct synfw_flow_key key = {
		.remote = fold(&flow.tuple.remote),
		.local = fold(&flow.tuple.local) + protocol,
		.remote_port_be = flow.tuple.remote_port_be,
		.local_port_be = flow.tuple.local_port_be,
	};

	MUST(bpf_map_update_elem(datapath_map_fd(datapath, map), &key, &flow, BPF_ANY) == 0);
}

static bool comes_in(uint8_t protocol, uint16_t local_port, uint8_t tcp_flags)
{
	struct frame_spec spec = FRAME_SPEC_DEFAULT;
	const uint32_t remote_be = htonl(REMOTE), local_be = htonl(LOCAL);
	struct frame frame;
	uint32_t action;

	spec.proto = protocol;
	spec.sport = REMOTE_PORT;
	spec.dport = local_port;
	spec.tcp_flags = tcp_flags;
	memcpy(spec.saddr, &remote_be, sizeof(remote_be));
	memcpy(spec.daddr, &local_be, sizeof(local_be));
	frame_build(&spec, &frame);
	MUST(datapath_run(datapath, frame.byte, frame.length, 1, &action) == 0);
	return action == XDP_PASS;
}

/* What the egress filter says of the local port: where to look first. */
static void hint(bool unconnected)
{
	int fd = datapath_map_fd(datapath, "synfw_unconnected_udp");
	uint64_t word = (uint64_t)unconnected << LOCAL_PORT % 64;
	uint32_t key = LOCAL_PORT / 64;

	MUST(fd >= 0 && bpf_map_update_elem(fd, &key, &word, BPF_ANY) == 0);
}

static void check(bool holds, const char *claim)
{
	printf("%s %d - %s\n", holds ? "ok" : "not ok", ++test_number, claim);
	failed += !holds;
}

static void apply(struct compiled *ret_compiled)
{
	struct policy_text text = {
		.head = strdup("version: 1\nname: flows\nmode: block\ninterfaces: [{name: eth0}]\n"
			       "defaults: {incoming: drop}\n"
			       "rules: [{name: web, to: 80/tcp, action: allow}]\n")};

	MUST(text.head);
	MUST(policy_text_compile(&text, &options, stderr, ret_compiled) == 0);
	MUST(datapath_apply(datapath, ret_compiled->image) == 0);
	policy_text_done(&text);
}

int main(void)
{
	struct compiled compiled;

	MUST(datapath_open(&datapath) == 0);
	apply(&compiled);
	check(!comes_in(IPPROTO_UDP, LOCAL_PORT, 0), "what nobody asked for is dropped");
	put_flow("synfw_udp_flows", IPPROTO_UDP, LIVES);
	check(comes_in(IPPROTO_UDP, LOCAL_PORT, 0), "the answer passes");
	check(!comes_in(IPPROTO_UDP, LOCAL_PORT + 1, 0), "to the next port it does not");
	put_flow("synfw_udp_flows", IPPROTO_UDP, ENDED);
	check(!comes_in(IPPROTO_UDP, LOCAL_PORT, 0), "nor when its connection has ended");
	put_flow("synfw_flows", IPPROTO_UDP, LIVES);
	check(comes_in(IPPROTO_UDP, LOCAL_PORT, 0),
	      "what a socket sent before it was connected does not end what it sent since");
	hint(true);
	check(comes_in(IPPROTO_UDP, LOCAL_PORT, 0), "nor where it is looked for first");
	put_flow("synfw_udp_flows", IPPROTO_UDP, LIVES);
	put_flow("synfw_flows", IPPROTO_UDP, ENDED);
	check(comes_in(IPPROTO_UDP, LOCAL_PORT, 0),
	      "the answer passes where it is looked for first");
	hint(false);
	check(comes_in(IPPROTO_UDP, LOCAL_PORT, 0), "and where what has ended is");
	put_flow("synfw_flows", IPPROTO_TCP, LIVES);
	check(comes_in(IPPROTO_TCP, LOCAL_PORT, SYNFW_TCP_ACK), "a segment passes");
	check(!comes_in(IPPROTO_TCP, LOCAL_PORT, SYNFW_TCP_SYN), "a SYN opens another connection");
	compiled_done(&compiled);
	datapath_close(datapath);
	printf("1..%d\n", test_number);
	return failed != 0;
}
