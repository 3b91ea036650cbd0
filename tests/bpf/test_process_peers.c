/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which peers of a process a rule marks when it matches: those of the sockets that are open, in a
 * network namespace of the test's own. And which processes are flagged when a source is blocked
 * that they talk with. Argument: test_first_action.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <synfw/peer.h>
#include <synfw/state.h>
#include <synfw/talk.h>

#include "claims.h"
#include "must.h"
#include "process_trial.h"

#define BLOCK_NS   UINT64_C(600000000000)
#define FAR_FILE   3000
#define NR_SOCKETS 8

static struct trial trial;
static char *victim, *other;
static int sockets[NR_SOCKETS], nr_sockets;

static int map_fd(const char *name)
{
	return bpf_object__find_map_fd_by_name(trial.bpf->obj, name);
}

/* An address as a key of the map, IPv4 as ::ffff:a.b.c.d. */
static struct synfw_addr6 key_of(const char *address)
{
	struct synfw_addr6 key = {};

	if (inet_pton(AF_INET6, address, key.byte) == 1)
		return key;
	key.byte[10] = key.byte[11] = 0xff;
	MUST(inet_pton(AF_INET, address, key.byte + 12) == 1);
	return key;
}

static bool find_mark(const char *address, struct synfw_peer *ret_peer)
{
	const struct synfw_addr6 key = key_of(address);

	return bpf_map_lookup_elem(map_fd("synfw_peers"), &key, ret_peer) == 0;
}

static uint32_t count_marks(void)
{
	struct synfw_addr6 key, *before = NULL;
	uint32_t count = 0;

	for (; bpf_map_get_next_key(map_fd("synfw_peers"), before, &key) == 0; before = &key)
		count++;
	return count;
}

static void forget_marks(void)
{
	struct synfw_addr6 key;

	while (bpf_map_get_next_key(map_fd("synfw_peers"), NULL, &key) == 0)
		MUST(bpf_map_delete_elem(map_fd("synfw_peers"), &key) == 0);
}

/* The last socket, as what is executed gets it, too. */
static int open_connected(int family, const char *address)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = socket(family, SOCK_DGRAM, 0);

	MUST(fd >= 0 && nr_sockets < NR_SOCKETS);
	sockets[nr_sockets++] = fd;
	if (!address)
		return fd;
	if (family == AF_INET6) {
		MUST(inet_pton(AF_INET6, address, &six.sin6_addr) == 1);
		MUST(connect(fd, (void *)&six, sizeof(six)) == 0);
	} else {
		MUST(inet_pton(AF_INET, address, &four.sin_addr) == 1);
		MUST(connect(fd, (void *)&four, sizeof(four)) == 0);
	}
	return fd;
}

static void close_sockets(void)
{
	while (nr_sockets)
		close(sockets[--nr_sockets]);
}

static void apply(uint8_t flags, const struct synfw_process_head *head)
{
	const struct rule_spec rules[] = {
		{.match = {.exec = {other}}, .action = SYNFW_PROCESS_FLAG},
		{.match = {.exec = {victim}},
		 .action = SYNFW_PROCESS_FLAG,
		 .flags = SYNFW_PROCESS_PEERS_BLOCK | flags,
		 .peers_block_ns = BLOCK_NS,
		 .peers_score = 20},
	};

	trial_apply(&trial, rules, 2, head);
	forget_marks();
}

static bool filter_has(const char *address)
{
	const struct synfw_addr6 key = key_of(address);
	struct synfw_runtime runtime;
	uint32_t zero = 0, place, word[4];
	uint64_t bits, hash;

	MUST(bpf_map_lookup_elem(map_fd("synfw_runtime"), &zero, &runtime) == 0);
	memcpy(word, &key, sizeof(word));
	hash = synfw_source_hash(word, runtime.seed);
	place = hash / 64 % SYNFW_BLOCK_FILTER_WORDS;
	MUST(bpf_map_lookup_elem(map_fd("synfw_block_filter"), &place, &bits) == 0);
	return bits >> (hash & 63) & 1;
}

static bool sockets_that_are_open_are_found(void)
{
	struct synfw_process process;
	struct synfw_peer peer;
	int let_go;
	pid_t child;

	apply(0, NULL);
	open_connected(AF_INET, "198.51.100.1");
	open_connected(AF_INET6, "2001:db8:1:2:3:4:5:6");
	open_connected(AF_INET6, "::ffff:198.51.100.2");
	open_connected(AF_INET, "127.0.0.1");
	open_connected(AF_INET6, "::1");
	open_connected(AF_INET, NULL);
	EXPECT(!filter_has("198.51.100.1"));
	EXPECT(trial_run(other, NULL, NULL, NULL) == 0 && count_marks() == 0);
	child = trial_spawn_waiting(victim, &let_go);
	EXPECT(count_marks() == 3);
	EXPECT(find_mark("198.51.100.1", &peer) && filter_has("198.51.100.1"));
	EXPECT(trial_process(&trial, child, &process) &&
	       process.flags == (SYNFW_PROCESS_FLAGGED | SYNFW_PROCESS_PEERS));
	EXPECT(peer.pid == (uint32_t)child && peer.start_boot_ns == process.start_boot_ns);
	EXPECT(peer.pending == (SYNFW_PEER_BLOCK | SYNFW_PEER_POINTS) && peer.points == 20);
	EXPECT(peer.until_boot_ns > process.start_boot_ns + BLOCK_NS &&
	       peer.until_boot_ns < process.start_boot_ns + 2 * BLOCK_NS);
	EXPECT(peer.counter == SYNFW_COUNTER_OF_PROCESSES + 2 && !peer.flags);
	EXPECT(find_mark("2001:db8:1:2::", &peer) && filter_has("2001:db8:1:2::"));
	EXPECT(find_mark("198.51.100.2", &peer));
	close(let_go);
	EXPECT(trial_finish(child) == 0);
	close_sockets();
	return true;
}

/* Of a second process that has them the mark is; what the first had pending is not lost. */
static bool marks_of_two_processes_add_up(void)
{
	struct synfw_peer peer;

	apply(0, NULL);
	open_connected(AF_INET, "198.51.100.1");
	EXPECT(trial_run(victim, NULL, NULL, NULL) == 0);
	EXPECT(find_mark("198.51.100.1", &peer) && peer.points == 20);
	EXPECT(trial_run(victim, NULL, NULL, NULL) == 0);
	EXPECT(find_mark("198.51.100.1", &peer) && peer.points == 40 && peer.pending == 3);
	close_sockets();
	return true;
}

/* One process that executes the program twice has given its points once, and its block begins anew.
 */
static bool a_process_gives_its_points_once(void)
{
	const struct synfw_addr6 key = key_of("198.51.100.1");
	struct synfw_peer peer, after;
	int let_go;
	pid_t child;

	apply(0, NULL);
	open_connected(AF_INET, "198.51.100.1");
	EXPECT(trial_run(victim, "x", victim, NULL) == 0);
	EXPECT(find_mark("198.51.100.1", &peer) && peer.points == 20);
	child = trial_spawn_waiting(victim, &let_go);
	EXPECT(find_mark("198.51.100.1", &peer) && peer.pid == (uint32_t)child);
	close(let_go);
	EXPECT(trial_finish(child) == 0);
	peer.pending = 0;
	MUST(bpf_map_update_elem(map_fd("synfw_peers"), &key, &peer, BPF_ANY) == 0);
	/* another one marks anew, what was taken counts no more */
	EXPECT(trial_run(victim, NULL, NULL, NULL) == 0);
	EXPECT(find_mark("198.51.100.1", &after) && after.points == 20 && after.pending == 3);
	close_sockets();
	return true;
}

static bool exempt_addresses_are_not_marked(void)
{
	const struct synfw_addr6 key = key_of("198.51.100.1");
	uint32_t why = SYNFW_EXEMPT_GATEWAY;

	apply(0, NULL);
	MUST(bpf_map_update_elem(map_fd("synfw_exempt"), &key, &why, BPF_ANY) == 0);
	open_connected(AF_INET, "198.51.100.1");
	open_connected(AF_INET, "198.51.100.3");
	EXPECT(trial_run(victim, NULL, NULL, NULL) == 0);
	EXPECT(count_marks() == 1);
	MUST(bpf_map_delete_elem(map_fd("synfw_exempt"), &key) == 0);
	close_sockets();
	return true;
}

static bool what_monitors_is_marked_so_or_not_at_all(void)
{
	static const struct synfw_process_head monitors = {.monitor = true};
	struct synfw_process process;
	struct synfw_peer peer;
	int let_go;
	pid_t child;

	open_connected(AF_INET, "198.51.100.1");
	apply(SYNFW_PROCESS_MONITOR, NULL);
	EXPECT(trial_run(victim, NULL, NULL, NULL) == 0);
	EXPECT(count_marks() == 0 && trial_would(&trial, 1) == 1);
	apply(0, &monitors);
	child = trial_spawn_waiting(victim, &let_go);
	EXPECT(find_mark("198.51.100.1", &peer) && peer.flags == SYNFW_PEER_MONITOR);
	EXPECT(trial_process(&trial, child, &process) &&
	       process.flags == SYNFW_PROCESS_PEERS_MONITOR);
	close(let_go);
	EXPECT(trial_finish(child) == 0);
	close_sockets();
	return true;
}

static void become_child(const struct trial *unused)
{
	struct synfw_process process;

	_exit(!trial_process(&trial, getpid(), &process) ||
	      !(process.flags & SYNFW_PROCESS_PEERS) || process.peers_block_ns != BLOCK_NS ||
	      process.peers_score != 20 || process.counter_peers != 2);
}

/* Becomes one that a rule matched, and has a child. */
static void become_parent(const struct trial *unused)
{
	struct synfw_process process;
	uint32_t pid = getpid();

	MUST(trial_process(&trial, pid, &process));
	process.flags |= SYNFW_PROCESS_PEERS;
	process.peers_block_ns = BLOCK_NS;
	process.peers_score = 20;
	process.counter_peers = 2;
	MUST(bpf_map_update_elem(map_fd("synfw_processes"), &pid, &process, BPF_ANY) == 0);
	_exit(trial_child(become_child, &trial));
}

static bool children_inherit_it(void)
{
	apply(0, NULL);
	EXPECT(trial_child(become_child, &trial) == 1);
	EXPECT(trial_child(become_parent, &trial) == 0);
	return true;
}

static bool what_lies_beyond_the_limit_is_counted(void)
{
	struct rlimit limit = {FAR_FILE + 10, FAR_FILE + 10};
	uint64_t before = trial_tally(&trial, SYNFW_PROCESS_TALLY_PEERS_UNSEEN);

	apply(0, NULL);
	MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	open_connected(AF_INET, "198.51.100.1");
	EXPECT(trial_run(victim, NULL, NULL, NULL) == 0);
	EXPECT(trial_tally(&trial, SYNFW_PROCESS_TALLY_PEERS_UNSEEN) == before);
	forget_marks();
	MUST(dup2(sockets[0], FAR_FILE) == FAR_FILE);
	close_sockets();
	EXPECT(trial_run(victim, NULL, NULL, NULL) == 0);
	EXPECT(trial_tally(&trial, SYNFW_PROCESS_TALLY_PEERS_UNSEEN) == before + 1);
	EXPECT(count_marks() == 0);
	close(FAR_FILE);
	return true;
}

/* ---- on-peer-block: the other way round ---- */

#define NR_CHILDREN 6

static bool find_talk(const char *address, struct synfw_talk *ret_talk)
{
	const struct synfw_addr6 key = key_of(address);

	return bpf_map_lookup_elem(map_fd("synfw_talks"), &key, ret_talk) == 0;
}

static bool is_noted(const struct synfw_talk *talk, pid_t pid)
{
	for (int i = 0; i < SYNFW_TALKERS; i++)
		if (talk->talker[i].pid == (uint32_t)pid)
			return true;
	return false;
}

/* As user space does when it has blocked the source. */
static void flag_talkers(const char *address)
{
	const struct synfw_addr6 key = key_of(address);
	uint64_t halves[2];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = halves, .ctx_size_in = sizeof(halves));

	memcpy(halves, &key, sizeof(halves));
	MUST(bpf_prog_test_run_opts(bpf_program__fd(trial.bpf->progs.synfw_flag_talkers), &opts) ==
	     0);
}

static uint32_t flags_of(pid_t pid)
{
	struct synfw_process process;

	MUST(trial_process(&trial, pid, &process));
	return process.flags;
}

/* All of them have the test's sockets. */
static void begin_children(pid_t *children, int *let_go)
{
	for (int i = 0; i < NR_CHILDREN; i++)
		children[i] = trial_spawn_waiting(victim, &let_go[i]);
}

static bool end_children(const pid_t *children, const int *let_go)
{
	bool well = true;

	for (int i = 0; i < NR_CHILDREN; i++) {
		close(let_go[i]);
		well &= trial_finish(children[i]) == 0;
	}
	close_sockets();
	return well;
}

/* With a rule that none of them matches. */
static void apply_on_peer_block(bool monitor, bool asked_for)
{
	const struct rule_spec rule = {.match = {.exec = {other}}, .action = SYNFW_PROCESS_FLAG};
	const struct synfw_process_head head = {.monitor = monitor, .on_peer_block = asked_for};

	trial_apply(&trial, &rule, 1, &head);
}

static bool the_last_processes_of_a_source_are_noted_and_flagged(void)
{
	const struct synfw_addr6 key = key_of("198.51.100.9");
	int let_go[NR_CHILDREN], i;
	struct synfw_process process;
	pid_t children[NR_CHILDREN];
	struct synfw_talk talk;

	open_connected(AF_INET, "198.51.100.9");
	open_connected(AF_INET6, "::1");
	apply_on_peer_block(false, true);
	begin_children(children, let_go);
	EXPECT(!find_talk("198.51.100.9", &talk));
	trial_fill(&trial, trial.slot);
	EXPECT(find_talk("198.51.100.9", &talk) && !find_talk("::1", &talk));
	flag_talkers("198.51.100.8");
	for (i = 0; i < NR_CHILDREN; i++) {
		EXPECT(is_noted(&talk, children[i]) == (i >= NR_CHILDREN - SYNFW_TALKERS));
		EXPECT(!flags_of(children[i]));
	}
	flag_talkers("198.51.100.9");
	for (i = 0; i < NR_CHILDREN; i++)
		EXPECT(!!flags_of(children[i]) == is_noted(&talk, children[i]));
	EXPECT(trial_process(&trial, children[NR_CHILDREN - 1], &process) &&
	       process.flags == (SYNFW_PROCESS_FLAGGED | SYNFW_PROCESS_TALKED) &&
	       !memcmp(&process.talked_with, &key, sizeof(key)));
	EXPECT(end_children(children, let_go));
	return true;
}

/* What user space never does. */
static void change_talk(const char *address, const struct synfw_talk *talk)
{
	const struct synfw_addr6 key = key_of(address);

	MUST(bpf_map_update_elem(map_fd("synfw_talks"), &key, talk, BPF_ANY) == 0);
}

static bool old_notes_and_those_of_other_prefixes_do_not_count(void)
{
	int let_go[NR_CHILDREN];
	pid_t children[NR_CHILDREN], last;
	struct synfw_talk talk, other_one;

	open_connected(AF_INET, "198.51.100.9");
	apply_on_peer_block(false, true);
	begin_children(children, let_go);
	last = children[NR_CHILDREN - 1];
	trial_fill(&trial, trial.slot);
	EXPECT(find_talk("198.51.100.9", &talk) && is_noted(&talk, last));
	other_one = talk;
	for (int i = 0; i < SYNFW_TALKERS; i++)
		other_one.talker[i].seen_boot_ns -= SYNFW_TALK_NS + 5 * SYNFW_TALK_STEP_NS;
	change_talk("198.51.100.9", &other_one);
	flag_talkers("198.51.100.9");
	EXPECT(!flags_of(last));
	other_one = talk;
	other_one.ipv6_prefixlen = 48;
	change_talk("198.51.100.9", &other_one);
	flag_talkers("198.51.100.9");
	EXPECT(!flags_of(last));
	/* noted anew */
	trial_fill(&trial, trial.slot);
	EXPECT(find_talk("198.51.100.9", &talk) && !talk.ipv6_prefixlen && is_noted(&talk, last));
	flag_talkers("198.51.100.9");
	EXPECT(flags_of(last));
	EXPECT(end_children(children, let_go));
	return true;
}

/* More sources than there is room for: who talks now is noted, and flagged, all the same. */
static bool a_full_map_of_talks_forgets_the_oldest(void)
{
	uint32_t count = SYNFW_MAX_TALKS + 1024, sent = count;
	struct synfw_addr6 *sources = calloc(count, sizeof(*sources));
	struct synfw_talk *talks = calloc(count, sizeof(*talks));
	int let_go[NR_CHILDREN];
	pid_t children[NR_CHILDREN], last;
	struct synfw_talk talk;

	MUST(sources && talks);
	for (uint32_t i = 0; i < count; i++) {
		sources[i] = key_of("203.0.113.1");
		memcpy(sources[i].byte + 12, &i, sizeof(i));
	}
	MUST(bpf_map_update_batch(map_fd("synfw_talks"), sources, talks, &sent, NULL) == 0 &&
	     sent == count);
	open_connected(AF_INET, "198.51.100.9");
	apply_on_peer_block(false, true);
	begin_children(children, let_go);
	last = children[NR_CHILDREN - 1];
	trial_fill(&trial, trial.slot);
	EXPECT(find_talk("198.51.100.9", &talk) && is_noted(&talk, last));
	flag_talkers("198.51.100.9");
	EXPECT(flags_of(last) == (SYNFW_PROCESS_TALKED | SYNFW_PROCESS_FLAGGED));
	EXPECT(end_children(children, let_go));
	free(sources);
	free(talks);
	return true;
}

static bool processes_are_flagged_in_mode_block_only_and_where_it_is_asked_for(void)
{
	int let_go[NR_CHILDREN];
	pid_t children[NR_CHILDREN], last;

	open_connected(AF_INET, "198.51.100.9");
	apply_on_peer_block(true, true);
	begin_children(children, let_go);
	last = children[NR_CHILDREN - 1];
	trial_fill(&trial, trial.slot);
	flag_talkers("198.51.100.9");
	EXPECT(flags_of(last) == SYNFW_PROCESS_TALKED_MONITOR);
	apply_on_peer_block(false, false);
	flag_talkers("198.51.100.9");
	EXPECT(flags_of(last) == SYNFW_PROCESS_TALKED_MONITOR);
	apply_on_peer_block(false, true);
	flag_talkers("198.51.100.9");
	EXPECT(flags_of(last) ==
	       (SYNFW_PROCESS_TALKED_MONITOR | SYNFW_PROCESS_TALKED | SYNFW_PROCESS_FLAGGED));
	EXPECT(end_children(children, let_go));
	return true;
}

int main(int argc, char **argv)
{
	struct synfw_runtime runtime = {.seed = 7};
	uint32_t zero = 0;

	MUST(argc == 2);
	trial_open(&trial, argv[1], 4096);
	MUST(unshare(CLONE_NEWNET) == 0);
	MUST(system("ip link set lo up && ip route add default dev lo && ip -6 route add default "
		    "dev lo") == 0);
	MUST(bpf_map_update_elem(map_fd("synfw_runtime"), &zero, &runtime, BPF_ANY) == 0);
	victim = strdup(trial_copy(&trial, "victim"));
	other = strdup(trial_copy(&trial, "other"));
	CHECK(sockets_that_are_open_are_found);
	CHECK(marks_of_two_processes_add_up);
	CHECK(a_process_gives_its_points_once);
	CHECK(exempt_addresses_are_not_marked);
	CHECK(what_monitors_is_marked_so_or_not_at_all);
	CHECK(children_inherit_it);
	CHECK(what_lies_beyond_the_limit_is_counted);
	CHECK(the_last_processes_of_a_source_are_noted_and_flagged);
	CHECK(old_notes_and_those_of_other_prefixes_do_not_count);
	CHECK(a_full_map_of_talks_forgets_the_oldest);
	CHECK(processes_are_flagged_in_mode_block_only_and_where_it_is_asked_for);
	trial_close(&trial);
	return claims_end();
}
