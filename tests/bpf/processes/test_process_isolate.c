/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What an isolated process may not do, in a network namespace and a control group that are the
 * test's own. Argument: test_first_action. What programs of BPF LSM and fmod_ret refuse besides
 * is tests/vm/process_isolate.c's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/claims.h"
#include "base/must.h"
#include "harness/process_trial.h"

#define PORT	 4711
#define NR_TRIES 50

static struct trial trial;
static char *victim;
static char group[160];
static int listener, listener6;

static void bring_up_loopback(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	MUST(fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0);
	close(fd);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* Puts the test into a control group of its own, where the programs are attached. */
static void enter_group(void)
{
	struct bpf_program *programs[] = {
		trial.bpf->progs.synfw_sock_create, trial.bpf->progs.synfw_connect4,
		trial.bpf->progs.synfw_connect6,    trial.bpf->progs.synfw_sendmsg4,
		trial.bpf->progs.synfw_sendmsg6,    trial.bpf->progs.synfw_bind4,
		trial.bpf->progs.synfw_bind6};
	char *mounted = trial_path(&trial, "cgroup"), procs[200];
	int fd;

	MUST(mkdir(mounted, 0755) == 0 && mount("none", mounted, "cgroup2", 0, NULL) == 0);
	snprintf(group, sizeof(group), "%s/synfw-test-%d", mounted, getpid());
	MUST(mkdir(group, 0755) == 0);
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", group);
	write_file(procs, "0");
	fd = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MUST(fd >= 0);
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		MUST(bpf_program__attach_cgroup(programs[i], fd));
	close(fd);
}

static void leave_group(void)
{
	char *mounted = trial_path(&trial, "cgroup"),
	     *procs = trial_path(&trial, "cgroup/cgroup.procs");

	write_file(procs, "0");
	/* the child of one that was killed may not have ended yet */
	for (int i = 0; i < NR_TRIES && rmdir(group); i++)
		usleep(100000);
	MUST(access(group, F_OK) != 0 && umount(mounted) == 0);
}

static struct sockaddr_in address4(void)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(PORT),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static struct sockaddr_in6 address6(void)
{
	return (struct sockaddr_in6){.sin6_family = AF_INET6,
				     .sin6_port = htons(PORT),
				     .sin6_addr = IN6ADDR_LOOPBACK_INIT};
}

/* Calls on a socket, and what they are about. */
static int call_send(int fd, const struct sockaddr *to, socklen_t bytes)
{
	return sendto(fd, "x", 1, 0, to, bytes) == 1 ? 0 : -1;
}

/* The same address with any port, as the port itself is taken. */
static int call_bind(int fd, const struct sockaddr *at, socklen_t bytes)
{
	struct sockaddr_storage any = {.ss_family = at->sa_family};

	return bind(fd, (void *)&any, bytes);
}

static const struct {
	int type;
	int (*call)(int fd, const struct sockaddr *to, socklen_t bytes);
} calls[] = {{SOCK_STREAM, connect}, {SOCK_DGRAM, call_send}, {SOCK_STREAM, call_bind}};

#define NR_CALLS  3
#define ALL_CALLS 0x3f /* with both families */

/* 0 or EPERM: one that fails otherwise proves nothing. */
static int refusal_of(bool done)
{
	MUST(done || errno == EPERM);
	return !done;
}

/* Sockets for refused_calls(), of who may still open them. */
static int sockets[2 * NR_CALLS];

static void open_sockets(void)
{
	for (int i = 0; i < 2 * NR_CALLS; i++) {
		sockets[i] = socket(i < NR_CALLS ? AF_INET : AF_INET6, calls[i % NR_CALLS].type, 0);
		MUST(sockets[i] >= 0);
	}
}

/* Each call as a bit: it was refused with EPERM. */
static int refused_calls(void)
{
	struct sockaddr_in to = address4();
	struct sockaddr_in6 to6 = address6();
	int refused = 0;

	for (int i = 0; i < 2 * NR_CALLS; i++) {
		bool six = i >= NR_CALLS;
		int result = calls[i % NR_CALLS].call(sockets[i], six ? (void *)&to6 : (void *)&to,
						      six ? sizeof(to6) : sizeof(to));

		refused |= refusal_of(result == 0) << i;
		close(sockets[i]);
	}
	return refused;
}

/* The same of new sockets. */
static int refused_sockets(void)
{
	static const struct {
		int family, type, protocol;
	} kinds[] = {
		{AF_INET, SOCK_STREAM, 0},
		{AF_INET6, SOCK_STREAM, 0},
		{AF_INET, SOCK_DGRAM, 0},
		{AF_INET6, SOCK_DGRAM, 0},
		{AF_INET, SOCK_RAW, IPPROTO_ICMP},
		{AF_INET6, SOCK_RAW, IPPROTO_ICMPV6},
		{AF_INET, SOCK_DGRAM, IPPROTO_ICMP},
	};
	int refused = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		int fd = socket(kinds[i].family, kinds[i].type, kinds[i].protocol);

		refused |= refusal_of(fd >= 0) << i;
		close(fd);
	}
	return refused;
}

#define ALL_SOCKETS 0x7f

static void become_caller(const struct trial *unused)
{
	_exit(refused_calls());
}

static void become_opener(const struct trial *unused)
{
	_exit(refused_sockets());
}

static void become_isolated_parent(const struct trial *unused)
{
	trial_set_flags(&trial, SYNFW_PROCESS_ISOLATED);
	_exit(trial_child(become_caller, &trial));
}

static void become_isolated_opener(const struct trial *unused)
{
	trial_set_flags(&trial, SYNFW_PROCESS_ISOLATED);
	_exit(trial_child(become_opener, &trial));
}

static bool who_is_not_isolated_may_call(void)
{
	uint64_t before = trial_tally(&trial, SYNFW_PROCESS_TALLY_REFUSED);

	open_sockets();
	EXPECT(trial_child(become_caller, &trial) == 0);
	EXPECT(trial_child(become_opener, &trial) == 0);
	EXPECT(trial_tally(&trial, SYNFW_PROCESS_TALLY_REFUSED) == before);
	return true;
}

/* On sockets that they had, and for new ones. */
static bool children_of_an_isolated_process_may_not(void)
{
	uint64_t before = trial_tally(&trial, SYNFW_PROCESS_TALLY_REFUSED);

	open_sockets();
	EXPECT(trial_child(become_isolated_parent, &trial) == ALL_CALLS);
	EXPECT(trial_tally(&trial, SYNFW_PROCESS_TALLY_REFUSED) == before + 6);
	EXPECT(trial_child(become_caller, &trial) == 0);
	EXPECT(trial_child(become_isolated_opener, &trial) == ALL_SOCKETS);
	EXPECT(trial_tally(&trial, SYNFW_PROCESS_TALLY_REFUSED) == before + 6 + 7);
	EXPECT(trial_child(become_opener, &trial) == 0);
	return true;
}

static const struct synfw_process_head monitors = {.monitor = true};

static void apply(enum synfw_process_action action, const struct synfw_process_head *head)
{
	const struct rule_spec rule = {.match = {.exec = {victim}}, .action = action};

	trial_apply(&trial, &rule, 1, head);
}

/* Whoever isolated this process, and for whatever. */
static bool isolation_holds_while_a_policy_isolates(void)
{
	uint64_t would = trial_tally(&trial, SYNFW_PROCESS_TALLY_WOULD_REFUSE);
	uint64_t refused = trial_tally(&trial, SYNFW_PROCESS_TALLY_REFUSED);

	apply(SYNFW_PROCESS_ISOLATE, &monitors);
	EXPECT(trial_child(become_isolated_opener, &trial) == 0);
	EXPECT(trial_tally(&trial, SYNFW_PROCESS_TALLY_WOULD_REFUSE) == would + 7);
	apply(SYNFW_PROCESS_FLAG, NULL);
	EXPECT(trial_child(become_isolated_opener, &trial) == 0);
	EXPECT(trial_tally(&trial, SYNFW_PROCESS_TALLY_WOULD_REFUSE) == would + 7);
	EXPECT(trial_tally(&trial, SYNFW_PROCESS_TALLY_REFUSED) == refused);
	apply(SYNFW_PROCESS_ISOLATE, NULL);
	EXPECT(trial_child(become_isolated_opener, &trial) == ALL_SOCKETS);
	return true;
}

static bool what_is_released_is_isolated_no_more(void)
{
	struct synfw_process process;
	pid_t child;
	int let_go;

	apply(SYNFW_PROCESS_ISOLATE, NULL);
	child = trial_spawn_waiting(victim, &let_go);
	trial_release(&trial);
	EXPECT(trial_process(&trial, child, &process));
	EXPECT(process.flags == SYNFW_PROCESS_FLAGGED);
	close(let_go);
	EXPECT(trial_finish(child) == 0);
	return true;
}

/* As `synfw release` does. */
static void take_back(uint32_t pid, uint64_t start_boot_ns)
{
	uint64_t arguments[] = {pid, start_boot_ns};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = arguments, .ctx_size_in = sizeof(arguments));

	MUST(bpf_prog_test_run_opts(bpf_program__fd(trial.bpf->progs.synfw_release), &opts) == 0);
}

static bool what_a_process_is_held_for_is_taken_back(void)
{
	int fd = bpf_map__fd(trial.bpf->maps.synfw_processes);
	struct synfw_process process;
	pid_t child;
	int let_go;

	apply(SYNFW_PROCESS_ISOLATE, NULL);
	child = trial_spawn_waiting(victim, &let_go);
	MUST(trial_process(&trial, child, &process));
	process.flags |= SYNFW_PROCESS_DISGUISED;
	process.level = process.told = 7;
	MUST(bpf_map_update_elem(fd, &child, &process, BPF_EXIST) == 0);
	/* another process, which had its number before */
	take_back(child, process.start_boot_ns - 1);
	EXPECT(trial_process(&trial, child, &process));
	EXPECT(process.flags & SYNFW_PROCESS_ISOLATED && process.level == 7);
	take_back(child, process.start_boot_ns);
	EXPECT(trial_process(&trial, child, &process));
	EXPECT(process.flags == SYNFW_PROCESS_DISGUISED && !process.level && !process.told);
	EXPECT(!process.lock);
	close(let_go);
	EXPECT(trial_finish(child) == 0);
	return true;
}

static bool a_rule_isolates_what_it_matches(void)
{
	struct synfw_process process;
	pid_t child;
	int let_go;

	apply(SYNFW_PROCESS_ISOLATE, NULL);
	child = trial_spawn_waiting(victim, &let_go);
	EXPECT(trial_process(&trial, child, &process));
	EXPECT(process.flags == (SYNFW_PROCESS_FLAGGED | SYNFW_PROCESS_ISOLATED));
	close(let_go);
	EXPECT(trial_finish(child) == 0);
	trial_read_events(&trial);
	EXPECT(trial.nr_events == 1 && trial.event.action == SYNFW_PROCESS_ISOLATE);
	return true;
}

static bool who_is_not_remembered_may_not_once_a_child_was_lost(void)
{
	struct synfw_process_runtime runtime;
	int fd = bpf_map__fd(trial.bpf->maps.synfw_process_runtime);
	uint32_t zero = 0, pid = getpid();

	MUST(bpf_map_lookup_elem(fd, &zero, &runtime) == 0);
	bpf_map_delete_elem(bpf_map__fd(trial.bpf->maps.synfw_processes), &pid);
	EXPECT(refused_sockets() == 0);
	open_sockets();
	runtime.isolated_lost = 1;
	MUST(bpf_map_update_elem(fd, &zero, &runtime, BPF_ANY) == 0);
	EXPECT(refused_calls() == ALL_CALLS);
	EXPECT(refused_sockets() == ALL_SOCKETS);
	trial_fill(&trial, trial.slot);
	EXPECT(refused_sockets() == 0);
	runtime.isolated_lost = 0;
	MUST(bpf_map_update_elem(fd, &zero, &runtime, BPF_ANY) == 0);
	return true;
}

static void become_lost_parent(const struct trial *unused)
{
	int fd = bpf_map__fd(trial.bpf->maps.synfw_processes);
	const struct synfw_process none = {};
	uint32_t key = 1U << 30;
	pid_t child;

	trial_set_flags(&trial, SYNFW_PROCESS_ISOLATED);
	while (!bpf_map_update_elem(fd, &key, &none, BPF_NOEXIST))
		key++;
	child = fork();
	if (!child)
		_exit(refused_sockets());
	_exit(0);
}

static bool an_isolated_parent_of_a_lost_child_is_killed(void)
{
	struct synfw_process_runtime runtime;
	uint32_t zero = 0;
	int status = 0;

	/* others of the machine that end make room meanwhile */
	for (int i = 0; i < NR_TRIES && status != TRIAL_KILLED; i++)
		status = trial_child(become_lost_parent, &trial);
	EXPECT(status == TRIAL_KILLED);
	MUST(bpf_map_lookup_elem(bpf_map__fd(trial.bpf->maps.synfw_process_runtime), &zero,
				 &runtime) == 0);
	EXPECT(runtime.isolated_lost);
	return true;
}

int main(int argc, char **argv)
{
	static const char *const programs[] = {
		"synfw_sock_create", "synfw_connect4", "synfw_connect6", "synfw_sendmsg4",
		"synfw_sendmsg6",    "synfw_bind4",    "synfw_bind6",	 NULL};
	const struct trial_object object = {.max_processes = 4096, .programs = programs};
	struct sockaddr_in at = address4();
	struct sockaddr_in6 at6 = address6();

	MUST(argc == 2);
	trial_open_with(&trial, argv[1], &object);
	MUST(unshare(CLONE_NEWNET) == 0);
	bring_up_loopback();
	write_file("/proc/sys/net/ipv4/ping_group_range", "0 0");
	listener = socket(AF_INET, SOCK_STREAM, 0);
	listener6 = socket(AF_INET6, SOCK_STREAM, 0);
	MUST(bind(listener, (void *)&at, sizeof(at)) == 0 && listen(listener, 8) == 0);
	MUST(setsockopt(listener6, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int)) == 0);
	MUST(bind(listener6, (void *)&at6, sizeof(at6)) == 0 && listen(listener6, 8) == 0);
	victim = strdup(trial_copy(&trial, "victim"));
	enter_group();
	apply(SYNFW_PROCESS_ISOLATE, NULL);
	CHECK(who_is_not_isolated_may_call);
	CHECK(children_of_an_isolated_process_may_not);
	CHECK(isolation_holds_while_a_policy_isolates);
	CHECK(what_is_released_is_isolated_no_more);
	CHECK(what_a_process_is_held_for_is_taken_back);
	CHECK(a_rule_isolates_what_it_matches);
	CHECK(who_is_not_remembered_may_not_once_a_child_was_lost);
	CHECK(an_isolated_parent_of_a_lost_child_is_killed);
	leave_group();
	trial_close(&trial);
	return claims_end();
}
