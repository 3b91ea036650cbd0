/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How long it takes until hostile sources are blocked, and until they no longer are:
 *
 *   time-to-block SENDER RECEIVER SOURCES PORTS WITHIN_MS BLOCK_MS
 *
 * SENDER and RECEIVER are the ends of a veth pair in this network namespace. Each source tries
 * PORTS ports by UDP within WITHIN_MS, all sources in turns, and the packet to the last port is the
 * one that crosses the threshold: those before it must arrive. From then on packets of the source
 * go on, one in 20 microseconds. Prints a line for each source: microseconds from just before the
 * packet that crosses was sent to just before the first packet that did not arrive (0: it is the
 * same one), and how many microseconds after that packet plus BLOCK_MS the first one arrived again.
 * Meanwhile nothing runs but this.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define NS_PER_S     1000000000LL
#define NS_PER_MS    1000000LL
#define MAX_SOURCES  200
#define BURST	     100 /* packets behind the one that crosses */
#define BURST_GAP_NS 20000
#define POLL_NS	     1000000
#define GIVE_UP_NS   (5 * NS_PER_S) /* behind the end of the block */
#define SETTLE_NS    5000000
#define FIRST_SOURCE 0xc6120001 /* 198.18.0.1 */
#define DESTINATION  0xc0000201 /* 192.0.2.1 */
#define FIRST_PORT   1000
#define OTHER_PORT   1000 /* one that was tried before */

struct frame {
	struct ether_header ether;
	struct iphdr ip;
	struct udphdr udp;
	uint32_t number; /* of the packet of its source */
} __attribute__((packed));

struct source {
	int64_t crossed_ns, dropped_ns, back_ns;
	uint32_t nr_sent, nr_arrived;
	uint32_t last; /* number of the last one that arrived, + 1 */
};

static struct source sources[MAX_SOURCES];
static uint32_t nr_sources;
static int send_fd, receive_fd;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void sleep_until(int64_t when_ns)
{
	struct timespec when = {when_ns / NS_PER_S, when_ns % NS_PER_S};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

static int open_socket(const char *device, uint16_t protocol)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
				      .sll_protocol = htons(protocol),
				      .sll_ifindex = if_nametoindex(device)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror(device);
		exit(1);
	}
	return fd;
}

/* Just before it was sent. */
static int64_t send_packet(uint32_t i, uint16_t port)
{
	struct frame frame = {
		.ether = {.ether_type = htons(ETHERTYPE_IP), .ether_shost = {2}},
		.ip = {.version = 4,
		       .ihl = 5,
		       .ttl = 64,
		       .protocol = IPPROTO_UDP,
		       .tot_len = htons(sizeof(frame) - sizeof(frame.ether)),
		       .saddr = htonl(FIRST_SOURCE + i),
		       .daddr = htonl(DESTINATION)},
		.udp = {.source = htons(4242), .dest = htons(port), .len = htons(12)},
		.number = sources[i].nr_sent++,
	};
	int64_t before_ns = now_ns();

	if (send(send_fd, &frame, sizeof(frame), 0) != sizeof(frame)) {
		perror("send");
		exit(1);
	}
	return before_ns;
}

static void receive_all(void)
{
	struct frame frame;
	uint32_t i;

	while (recv(receive_fd, &frame, sizeof(frame), 0) == sizeof(frame)) {
		i = ntohl(frame.ip.saddr) - FIRST_SOURCE;
		if (frame.ip.protocol != IPPROTO_UDP || i >= nr_sources)
			continue;
		sources[i].nr_arrived++;
		sources[i].last = frame.number + 1;
	}
}

static bool all_arrived(const char *when)
{
	sleep_until(now_ns() + SETTLE_NS);
	receive_all();
	for (uint32_t i = 0; i < nr_sources; i++)
		if (sources[i].nr_arrived != sources[i].nr_sent) {
			fprintf(stderr, "a packet %s did not arrive\n", when);
			return false;
		}
	return true;
}

static void try_ports(uint32_t nr_ports, int64_t within_ns)
{
	int64_t start_ns = now_ns();

	for (uint32_t port = 0; port + 1 < nr_ports; port++) {
		for (uint32_t i = 0; i < nr_sources; i++)
			send_packet(i, FIRST_PORT + port);
		receive_all();
		sleep_until(start_ns + within_ns * (port + 1) / nr_ports);
	}
}

/* The packet that crosses, and what follows it. */
static bool cross(uint32_t i, uint16_t port)
{
	struct source *source = &sources[i];
	uint32_t arrived = source->nr_sent;
	int64_t sent_ns[BURST];

	sent_ns[0] = send_packet(i, port);
	for (int n = 1; n < BURST; n++) {
		sleep_until(sent_ns[0] + n * BURST_GAP_NS);
		sent_ns[n] = send_packet(i, OTHER_PORT);
	}
	sleep_until(now_ns() + SETTLE_NS);
	receive_all();
	arrived = source->nr_arrived - arrived;
	if (arrived == BURST || source->last > source->nr_sent - BURST + arrived) {
		fprintf(stderr, "a source was not blocked, or not from one packet on\n");
		return false;
	}
	source->crossed_ns = sent_ns[0];
	source->dropped_ns = sent_ns[arrived];
	return true;
}

/* Until the packets of all of them arrive again. */
static bool await_end(int64_t block_ns)
{
	int64_t sent_ns, give_up_ns = sources[nr_sources - 1].crossed_ns + block_ns + GIVE_UP_NS;
	uint32_t blocked = nr_sources;

	while (blocked && now_ns() < give_up_ns) {
		blocked = 0;
		for (uint32_t i = 0; i < nr_sources; i++) {
			uint32_t arrived = sources[i].nr_arrived;

			if (sources[i].back_ns)
				continue;
			sent_ns = send_packet(i, OTHER_PORT);
			receive_all();
			if (sources[i].nr_arrived != arrived)
				sources[i].back_ns = sent_ns;
			else
				blocked++;
		}
		sleep_until(now_ns() + POLL_NS);
	}
	if (blocked)
		fprintf(stderr, "a source stays blocked\n");
	return !blocked;
}

int main(int argc, char **argv)
{
	int64_t within_ns, block_ns;
	uint32_t nr_ports;

	if (argc != 7) {
		fprintf(stderr, "usage: time-to-block SENDER RECEIVER SOURCES PORTS WITHIN_MS "
				"BLOCK_MS\n");
		return 2;
	}
	nr_sources = strtoul(argv[3], NULL, 10);
	nr_ports = strtoul(argv[4], NULL, 10);
	within_ns = strtoll(argv[5], NULL, 10) * NS_PER_MS;
	block_ns = strtoll(argv[6], NULL, 10) * NS_PER_MS;
	if (!nr_sources || nr_sources > MAX_SOURCES || nr_ports < 2)
		return 2;
	prctl(PR_SET_TIMERSLACK, 1);
	send_fd = open_socket(argv[1], 0);
	receive_fd = open_socket(argv[2], ETH_P_IP);
	try_ports(nr_ports, within_ns);
	if (!all_arrived("before the one that crosses"))
		return 1;
	for (uint32_t i = 0; i < nr_sources; i++)
		if (!cross(i, FIRST_PORT + nr_ports - 1))
			return 1;
	if (!await_end(block_ns))
		return 1;
	for (uint32_t i = 0; i < nr_sources; i++)
		printf("%.1f %.1f\n", (sources[i].dropped_ns - sources[i].crossed_ns) / 1e3,
		       (sources[i].back_ns - sources[i].crossed_ns - block_ns) / 1e3);
	return fflush(stdout) ? 1 : 0;
}
