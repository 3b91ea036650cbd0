/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * frames --from NETNS/IF --to NETNS/IF [--count N] [--rate PPS] [--delay] PACKET...
 *
 * Sends frames of each PACKET in turn out of one interface, counts those that come in on another
 * one, and prints a line "SENT ARRIVED" for each PACKET. Counts are exact: every frame carries the
 * run's nonce and its packet's number, and an ARP frame, which no policy drops, marks the end.
 * Without --count it goes on until SIGTERM. With --delay a line says as third number how many
 * microseconds the slowest frame took from send() to the kernel's receive time stamp.
 */
#include <errno.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "namespace.h"
#include "packet.h"

#define MAX_PACKETS    16
#define DEFAULT_RATE   20000
#define BURST	       16 /* below the 256 frames of a veth ring */
#define END_TIMEOUT_MS 10000
#define RETRY_MS       1
#define MAX_RETRIES    5000
#define RECEIVE_BUFFER (64 << 20)
#define END_OF_RUN     0xffffffffU

struct mark {
	char word[8];
	uint64_t nonce;
	uint32_t packet;
	uint64_t sent_ns; /* CLOCK_REALTIME */
} __attribute__((packed));

struct stream {
	uint8_t frame[PACKET_MAX];
	size_t length;
	uint8_t *sent_ns; /* in the frame */
	unsigned long sent, arrived;
	int64_t slowest_ns;
};

struct run {
	struct mark mark;
	int tx, rx;
	uint8_t tx_mac[6], rx_mac[6];
	struct stream stream[MAX_PACKETS];
	unsigned int nr_streams;
	unsigned long count; /* of each stream; 0: until SIGTERM */
	unsigned int rate;
	bool delay;
	bool ended;
};

static volatile sig_atomic_t stopped;

static uint64_t ns_of(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;
}

static void stop(int signal)
{
	stopped = 1;
}

/* ---- sockets -------------------------------------------------------------------------------- */

static int open_socket(const char *where, uint16_t protocol, uint8_t ret_mac[6])
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(protocol)};
	struct ifreq request = {0};
	char netns[128], *slash;
	int fd;

	snprintf(netns, sizeof(netns), "%s", where);
	slash = strchr(netns, '/');
	if (!slash || strlen(slash + 1) >= IF_NAMESIZE) {
		errno = EINVAL;
		die("\"%s\" is not NETNS/IF", where);
	}
	*slash = '\0';
	namespace_enter(netns);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	memcpy(request.ifr_name, slash + 1, strlen(slash + 1));
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request))
		die("cannot open \"%s\"", where);
	memcpy(ret_mac, request.ifr_hwaddr.sa_data, 6);
	if (ioctl(fd, SIOCGIFINDEX, &request))
		die("cannot find \"%s\"", where);
	address.sll_ifindex = request.ifr_ifindex;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die("cannot bind to \"%s\"", where);
	return fd;
}

static void prepare_receiver(int fd)
{
	int size = RECEIVE_BUFFER, one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)))
		die("cannot prepare the receiver");
}

/* A frame that the socket lost would look like one that the firewall dropped. */
static void check_receiver(int fd)
{
	struct tpacket_stats stats;
	socklen_t size = sizeof(stats);

	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size))
		die("cannot read the receiver's statistics");
	if (stats.tp_drops) {
		errno = ENOBUFS;
		die("the receiver lost %u frames", stats.tp_drops);
	}
}

/* ---- frames --------------------------------------------------------------------------------- */

/* A full ring refuses the frame before it is on the wire: trying again sends it once. */
static void send_frame(struct run *run, const uint8_t *frame, size_t length)
{
	const struct timespec pause = {.tv_nsec = RETRY_MS * 1000000L};

	for (int i = 0; i < MAX_RETRIES; i++) {
		if (send(run->tx, frame, length, 0) == (ssize_t)length)
			return;
		if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			break;
		nanosleep(&pause, NULL);
	}
	die("cannot send a frame");
}

static void send_end(struct run *run)
{
	struct packet_spec spec = {.ethertype = ETH_P_ARP};
	struct mark mark = run->mark;
	uint8_t frame[PACKET_MAX];
	size_t length;

	mark.packet = END_OF_RUN;
	length = packet_build(&spec, run->tx_mac, run->rx_mac, &mark, sizeof(mark), frame);
	send_frame(run, frame, length);
}

static void count_arrival(struct stream *stream, uint64_t delay_ns)
{
	stream->arrived++;
	if ((int64_t)delay_ns > stream->slowest_ns)
		stream->slowest_ns = (int64_t)delay_ns;
}

static void count_frame(struct run *run, const uint8_t *frame, size_t length, uint64_t received_ns)
{
	const uint8_t *found = memmem(frame, length, &run->mark, offsetof(struct mark, packet));
	struct mark mark;

	if (!found || (size_t)(frame + length - found) < sizeof(mark))
		return;
	memcpy(&mark, found, sizeof(mark));
	if (mark.packet == END_OF_RUN)
		run->ended = true;
	else if (mark.packet < run->nr_streams)
		count_arrival(&run->stream[mark.packet], received_ns - mark.sent_ns);
}

/* When the kernel received the frame. */
static uint64_t time_stamp(struct msghdr *message)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	struct timespec received;

	if (!header || header->cmsg_type != SCM_TIMESTAMPNS) {
		errno = ENODATA;
		die("a frame has no time stamp");
	}
	memcpy(&received, CMSG_DATA(header), sizeof(received));
	return ns_of(&received);
}

static void receive(struct run *run)
{
	uint8_t frame[PACKET_MAX];
	union {
		char bytes[CMSG_SPACE(sizeof(struct timespec))];
		struct cmsghdr align;
	} control;
	struct iovec part = {.iov_base = frame, .iov_len = sizeof(frame)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t length;

	for (;;) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control);
		length = recvmsg(run->rx, &message, MSG_DONTWAIT);
		if (length <= 0)
			break;
		count_frame(run, frame, (size_t)length, time_stamp(&message));
	}
	if (length < 0 && errno != EAGAIN && errno != EINTR)
		die("cannot receive");
}

static void await_end(struct run *run)
{
	struct pollfd readable = {.fd = run->rx, .events = POLLIN};

	while (!run->ended) {
		int ready = poll(&readable, 1, END_TIMEOUT_MS);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0) {
			errno = ETIMEDOUT;
			die("the frame that marks the end did not arrive");
		}
		receive(run);
	}
}

static void add_ns(struct timespec *when, long ns)
{
	when->tv_nsec += ns;
	while (when->tv_nsec >= 1000000000L) {
		when->tv_nsec -= 1000000000L;
		when->tv_sec++;
	}
}

static void stamp_frame(struct stream *stream)
{
	struct timespec now;
	uint64_t now_ns;

	clock_gettime(CLOCK_REALTIME, &now);
	now_ns = ns_of(&now);
	memcpy(stream->sent_ns, &now_ns, sizeof(now_ns));
}

static void send_all(struct run *run)
{
	unsigned long total = run->count * run->nr_streams, done = 0;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	while (!stopped && (!run->count || done < total)) {
		for (int i = 0; i < BURST && (!run->count || done < total); i++, done++) {
			struct stream *stream = &run->stream[done % run->nr_streams];

			stamp_frame(stream);
			send_frame(run, stream->frame, stream->length);
			stream->sent++;
		}
		receive(run);
		add_ns(&next, 1000000000L / run->rate * BURST);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
}

/* ---- the command line ----------------------------------------------------------------------- */

static void parse_options(int argc, char **argv, struct run *run, const char **from,
			  const char **to)
{
	static const struct option options[] = {
		{"from", required_argument, NULL, 'f'},
		{"to", required_argument, NULL, 't'},
		{"count", required_argument, NULL, 'c'},
		{"rate", required_argument, NULL, 'r'},
		{"delay", no_argument, NULL, 'd'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'f')
			*from = optarg;
		else if (option == 't')
			*to = optarg;
		else if (option == 'c')
			run->count = strtoul(optarg, NULL, 10);
		else if (option == 'r')
			run->rate = (unsigned int)strtoul(optarg, NULL, 10);
		else if (option == 'd')
			run->delay = true;
		else
			exit(2);
	}
	if (!*from || !*to || optind == argc || argc - optind > MAX_PACKETS || !run->rate ||
	    run->rate > 1000000) {
		fprintf(stderr, "usage: frames --from NETNS/IF --to NETNS/IF [--count N] "
				"[--rate PPS] [--delay] PACKET...\n");
		exit(2);
	}
}

static void build_streams(struct run *run, char **packets, int count)
{
	struct packet_spec spec;
	struct mark mark = run->mark;

	run->nr_streams = (unsigned int)count;
	for (mark.packet = 0; mark.packet < run->nr_streams; mark.packet++) {
		struct stream *stream = &run->stream[mark.packet];

		packet_parse(packets[mark.packet], &spec);
		stream->length = packet_build(&spec, run->tx_mac, run->rx_mac, &mark, sizeof(mark),
					      stream->frame);
		stream->sent_ns = (uint8_t *)memmem(stream->frame, stream->length, &mark,
						    offsetof(struct mark, sent_ns)) +
				  offsetof(struct mark, sent_ns);
	}
}

int main(int argc, char **argv)
{
	struct run run = {.mark.word = "synfw-fr", .rate = DEFAULT_RATE};
	struct sigaction on_stop = {.sa_handler = stop};
	const char *from = NULL, *to = NULL;

	parse_options(argc, argv, &run, &from, &to);
	if (getrandom(&run.mark.nonce, sizeof(run.mark.nonce), 0) != sizeof(run.mark.nonce))
		die("cannot draw a nonce");
	sigaction(SIGTERM, &on_stop, NULL);
	sigaction(SIGINT, &on_stop, NULL);
	run.tx = open_socket(from, 0, run.tx_mac);
	run.rx = open_socket(to, ETH_P_ALL, run.rx_mac);
	prepare_receiver(run.rx);
	build_streams(&run, argv + optind, argc - optind);
	send_all(&run);
	send_end(&run);
	await_end(&run);
	check_receiver(run.rx);
	for (unsigned int i = 0; i < run.nr_streams; i++) {
		printf("%lu %lu", run.stream[i].sent, run.stream[i].arrived);
		if (run.delay)
			printf(" %lld", (long long)run.stream[i].slowest_ns / 1000);
		putchar('\n');
	}
	return 0;
}
