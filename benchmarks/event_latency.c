/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How long an event takes to its reader:
 *
 *   event-latency send SENDER RATE SECONDS    UDP packets to port 9 out of a device, paced; prints
 *                                             how many, and how many a second
 *   event-latency ring PIN                    reads the ring buffer itself, until SIGINT
 *   event-latency json [COUNT]                reads what `synfw events -f --json` writes, to its
 *                                             end
 *
 * The readers print the number of events and the median, the 99th percentile and the largest of the
 * microseconds from the packet, or exec, to the moment they had its event. With a COUNT of each so
 * many events first, with "round" before, as what a shared machine gives changes within seconds.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <synfw/state.h>

#define NS_PER_S    1000000000LL
#define STEP_NS	    100000 /* as many packets as are due are sent in a row */
#define MAX_EVENTS  4000000
#define LINE_MAX    4096
#define INPUT_BYTES (1 << 16)
#define SOURCE	    0xc6120001 /* 198.18.0.1 */
#define DESTINATION 0xc0000201 /* 192.0.2.1 */
#define PORT	    9

static double latency_us[MAX_EVENTS];
static size_t nr_events;
static volatile sig_atomic_t stopped;

static int64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* ---- sending --------------------------------------------------------------------------------- */

struct frame {
	struct ether_header ether;
	struct iphdr ip;
	struct udphdr udp;
	uint32_t rest;
} __attribute__((packed));

static struct frame make_frame(void)
{
	return (struct frame){
		.ether = {.ether_type = htons(ETHERTYPE_IP), .ether_shost = {2}},
		.ip = {.version = 4,
		       .ihl = 5,
		       .ttl = 64,
		       .protocol = IPPROTO_UDP,
		       .tot_len = htons(sizeof(struct frame) - sizeof(struct ether_header)),
		       .saddr = htonl(SOURCE),
		       .daddr = htonl(DESTINATION)},
		.udp = {.source = htons(PORT), .dest = htons(PORT), .len = htons(12)},
	};
}

static void sleep_until(int64_t when_ns)
{
	struct timespec when = {when_ns / NS_PER_S, when_ns % NS_PER_S};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

/* By the clock: what a busy machine delays is made up for, so that the rate holds. */
static int send_packets(const char *sender, uint64_t rate, uint64_t seconds)
{
	struct sockaddr_ll out = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(sender)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct frame frame = make_frame();
	uint64_t sent = 0, refused = 0, all = rate * seconds;
	int64_t start_ns, step = 0;
	double took_s;

	if (fd < 0 || bind(fd, (struct sockaddr *)&out, sizeof(out)))
		return fail(sender);
	prctl(PR_SET_TIMERSLACK, 1);
	start_ns = now_ns(CLOCK_MONOTONIC);
	while (sent < all && refused < all) {
		uint64_t due = ++step * STEP_NS * rate / NS_PER_S;

		sleep_until(start_ns + step * STEP_NS);
		while (sent < due && sent < all) {
			if (send(fd, &frame, sizeof(frame), 0) == sizeof(frame))
				sent++;
			else if (errno != ENOBUFS || ++refused == all)
				return fail("send");
		}
	}
	took_s = (now_ns(CLOCK_MONOTONIC) - start_ns) / 1e9;
	printf("%llu %.0f\n", (unsigned long long)sent, sent / took_s);
	return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void note(int64_t taken_ns)
{
	if (nr_events < MAX_EVENTS)
		latency_us[nr_events] = taken_ns / 1e3;
	nr_events++;
}

static int compare(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* Of those from `first` on; sorts them. */
static void print_latencies(const char *before, size_t first)
{
	size_t end = nr_events < MAX_EVENTS ? nr_events : MAX_EVENTS, count = end - first;
	double *part = latency_us + first;

	qsort(part, count, sizeof(*part), compare);
	printf("%s%zu %.0f %.0f %.0f\n", before, nr_events - first, part[count / 2],
	       part[count * 99 / 100], part[count - 1]);
}

static int print_all(void)
{
	if (!nr_events) {
		fprintf(stderr, "no event was read\n");
		return 1;
	}
	print_latencies("", 0);
	return 0;
}

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static int take(void *context, void *data, size_t size)
{
	const struct synfw_event *event = data;

	(void)context;
	if (size >= sizeof(*event))
		note(now_ns(CLOCK_BOOTTIME) - (int64_t)event->time_boot_ns);
	return 0;
}

static int read_ring(const char *pin)
{
	const struct sigaction action = {.sa_handler = stop};
	int fd = bpf_obj_get(pin), err = 0;
	struct ring_buffer *ring;

	if (fd < 0)
		return fail(pin);
	ring = ring_buffer__new(fd, take, NULL, NULL);
	if (!ring)
		return fail("ring buffer");
	sigaction(SIGINT, &action, NULL);
	while (!stopped && (err >= 0 || err == -EINTR))
		err = ring_buffer__poll(ring, 1000);
	ring_buffer__free(ring);
	close(fd);
	return err < 0 && err != -EINTR ? fail("poll") : print_all();
}

/* When the event happened, as the line says; -1: it is no event. */
static int64_t line_time_ns(const char *line)
{
	static const char key[] = "\"time\":";
	const char *text = strstr(line, key), *rest;
	struct tm when = {};
	long micro;

	if (!text)
		return -1;
	text += sizeof(key) - 1;
	rest = strptime(text + strspn(text, " \""), "%Y-%m-%dT%H:%M:%S", &when);
	if (!rest || sscanf(rest, ".%6ldZ", &micro) != 1)
		return -1;
	return timegm(&when) * NS_PER_S + micro * 1000;
}

/* All lines of one read() were there at the same time. */
static int read_json(size_t count)
{
	static char input[INPUT_BYTES + LINE_MAX];
	size_t kept = 0;
	ssize_t got;

	while ((got = read(STDIN_FILENO, input + kept, INPUT_BYTES)) > 0) {
		int64_t had_ns = now_ns(CLOCK_REALTIME), time_ns;
		char *line = input, *end, *behind = input + kept + got;

		for (; (end = memchr(line, '\n', behind - line)); line = end + 1) {
			*end = '\0';
			time_ns = line_time_ns(line);
			if (time_ns >= 0)
				note(had_ns - time_ns);
			if (time_ns >= 0 && count && nr_events <= MAX_EVENTS &&
			    nr_events % count == 0)
				print_latencies("round ", nr_events - count);
		}
		kept = behind - line;
		if (kept >= LINE_MAX) {
			fprintf(stderr, "a line is too long\n");
			return 1;
		}
		memmove(input, line, kept);
	}
	return print_all();
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "send"))
		return send_packets(argv[2], strtoull(argv[3], NULL, 10),
				    strtoull(argv[4], NULL, 10));
	if (argc == 3 && !strcmp(argv[1], "ring"))
		return read_ring(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "json"))
		return read_json(0);
	if (argc == 3 && !strcmp(argv[1], "json") && strtoul(argv[2], NULL, 10))
		return read_json(strtoul(argv[2], NULL, 10));
	fprintf(stderr,
		"usage: event-latency send SENDER RATE SECONDS | ring PIN | json [COUNT]\n");
	return 2;
}
