/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How long it takes from the start of a command until the packets of a source no longer arrive:
 *
 *   time-to-drop SENDER RECEIVER REPETITIONS COMMAND [ARGUMENT...]
 *
 * SENDER and RECEIVER are the ends of a veth pair in this network namespace; RECEIVER has the
 * address 192.0.2.1. Each repetition has a source of its own, from 198.18.0.1 on, which takes the
 * place of every
 * "@" in the arguments: its packets must arrive, then the command is started while they go on,
 * 50,000 a second. Prints for each repetition the microseconds from just before the start to the
 * first packet that did not arrive, and to the end of the command, which has a CPU of its own where
 * there are two.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define INTERVAL_NS   100000
#define BEFORE	      100    /* packets that must arrive first */
#define LOST_IN_A_ROW 100    /* then nothing is on its way any more */
#define MAX_PACKETS   100000 /* ten seconds */
#define MAX_ARGUMENTS 32
#define FIRST_SOURCE  0xc6120001 /* 198.18.0.1 */
#define DESTINATION   0xc0000201 /* 192.0.2.1 */
#define PORT	      9999

struct frame {
	struct ether_header ether;
	struct iphdr ip;
	struct udphdr udp;
	uint32_t number;
} __attribute__((packed));

struct link {
	int send_fd, receive_fd;
	struct frame frame;
	int64_t due_ns; /* when the last packet was */
	int64_t sent_ns[MAX_PACKETS];
	uint32_t nr_sent, nr_received; /* those that arrived before one that arrived count too */
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static bool fail(const char *what)
{
	perror(what);
	return false;
}

/* ---- packets ------------------------------------------------------------------------------- */

static uint16_t checksum(const void *data, size_t length)
{
	const uint16_t *words = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < length / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~((sum & 0xffff) + (sum >> 16));
}

static bool link_open(struct link *link, const char *sender, const char *receiver)
{
	struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	struct sockaddr_ll out = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(sender)};
	struct ifreq request = {};

	link->receive_fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	link->send_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (link->receive_fd < 0 || link->send_fd < 0)
		return fail("socket");
	if (bind(link->receive_fd, (struct sockaddr *)&local, sizeof(local)) ||
	    bind(link->send_fd, (struct sockaddr *)&out, sizeof(out)))
		return fail("bind");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", receiver);
	if (ioctl(link->receive_fd, SIOCGIFHWADDR, &request))
		return fail(receiver);
	link->frame = (struct frame){
		.ether = {.ether_type = htons(ETHERTYPE_IP)},
		.ip = {.version = 4,
		       .ihl = 5,
		       .ttl = 64,
		       .protocol = IPPROTO_UDP,
		       .tot_len = htons(sizeof(struct frame) - sizeof(struct ether_header)),
		       .daddr = htonl(DESTINATION)},
		.udp = {.source = htons(PORT), .dest = htons(PORT), .len = htons(12)},
	};
	memcpy(link->frame.ether.ether_dhost, request.ifr_hwaddr.sa_data, ETH_ALEN);
	link->frame.ether.ether_shost[0] = 2;
	return true;
}

static void link_begin(struct link *link, uint32_t source)
{
	link->frame.ip.saddr = htonl(source);
	link->frame.ip.check = 0;
	link->frame.ip.check = checksum(&link->frame.ip, sizeof(link->frame.ip));
	link->nr_sent = link->nr_received = 0;
	link->due_ns = now_ns();
}

/* Packets of an earlier source may still come: they are told by the address. */
static void receive_all(struct link *link)
{
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	uint32_t number;

	while (recvfrom(link->receive_fd, &number, sizeof(number), 0, (struct sockaddr *)&from,
			&length) == sizeof(number))
		if (from.sin_addr.s_addr == link->frame.ip.saddr && number >= link->nr_received)
			link->nr_received = number + 1;
}

/* Sends the next packet when its time has come: by the clock, whatever the one before it took, so
 * that the rate holds; asleep until then, so that the command has the machine to itself. */
static bool send_next(struct link *link)
{
	struct timespec due;

	link->due_ns += INTERVAL_NS;
	due = (struct timespec){link->due_ns / 1000000000, link->due_ns % 1000000000};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
	link->frame.number = link->nr_sent;
	link->sent_ns[link->nr_sent++] = now_ns();
	if (send(link->send_fd, &link->frame, sizeof(link->frame), 0) != sizeof(link->frame))
		return fail("send");
	receive_all(link);
	return true;
}

/* ---- the command --------------------------------------------------------------------------- */

static void use_cpu(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		sched_setaffinity(0, sizeof(cpus), &cpus);
}

static char *with_source(const char *argument, const char *source)
{
	const char *at = strchr(argument, '@');
	char *text;

	if (!at)
		return strdup(argument);
	return asprintf(&text, "%.*s%s%s", (int)(at - argument), argument, source, at + 1) < 0
		       ? NULL
		       : text;
}

static void run_command(char **command, const char *source)
{
	char *arguments[MAX_ARGUMENTS + 1] = {};
	int null = open("/dev/null", O_RDWR);

	use_cpu(1);
	for (int i = 0; command[i] && i < MAX_ARGUMENTS; i++)
		arguments[i] = with_source(command[i], source);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		_exit(127);
	execvp(arguments[0], arguments);
	_exit(127);
}

/* ---- repetitions --------------------------------------------------------------------------- */

static bool all_arrive(struct link *link)
{
	while (link->nr_sent < BEFORE)
		if (!send_next(link))
			return false;
	usleep(1000);
	receive_all(link);
	if (link->nr_received == link->nr_sent)
		return true;
	fprintf(stderr, "packets do not arrive before the command has run\n");
	return false;
}

/* Sends until packets no longer arrive and the command has ended. */
static bool watch(struct link *link, pid_t command)
{
	bool running = true;
	int status = 0;

	while (running || link->nr_sent - link->nr_received < LOST_IN_A_ROW) {
		if (link->nr_sent == MAX_PACKETS) {
			fprintf(stderr, "packets arrive after the command has run\n");
			return false;
		}
		if (!send_next(link))
			return false;
		if (running && waitpid(command, &status, WNOHANG) == command)
			running = false;
	}
	if (status)
		fprintf(stderr, "the command failed\n");
	return status == 0;
}

static bool repeat(struct link *link, uint32_t source, char **command)
{
	struct in_addr address = {.s_addr = htonl(source)};
	char text[INET_ADDRSTRLEN];
	int64_t start;
	pid_t child;

	inet_ntop(AF_INET, &address, text, sizeof(text));
	link_begin(link, source);
	if (!all_arrive(link))
		return false;
	start = now_ns();
	child = fork();
	if (child == 0)
		run_command(command, text);
	if (child < 0)
		return fail("fork");
	if (!watch(link, child))
		return false;
	printf("%.3f\n", (link->sent_ns[link->nr_received] - start) / 1e6);
	return true;
}

int main(int argc, char **argv)
{
	struct link *link;
	uint32_t repetitions;

	if (argc < 5 || argc - 4 > MAX_ARGUMENTS) {
		fprintf(stderr, "usage: time-to-drop SENDER RECEIVER REPETITIONS COMMAND "
				"[ARGUMENT...]\n");
		return 2;
	}
	repetitions = strtoul(argv[3], NULL, 10);
	use_cpu(0);
	prctl(PR_SET_TIMERSLACK, 1);
	/* shared: or each page that is written to after the fork would be copied first */
	link = mmap(NULL, sizeof(*link), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (link == MAP_FAILED || !link_open(link, argv[1], argv[2]))
		return 1;
	for (uint32_t i = 0; i < repetitions; i++)
		if (!repeat(link, FIRST_SOURCE + i, argv + 4))
			return 1;
	return fflush(stdout) ? 1 : 0;
}
