/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which peers of a process a rule marks when it matches: those of the sockets that are open, in a
 * network namespace of the test's own. Argument: test_first_action.
 */
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <synfw/peer.h>
#include <synfw/state.h>

#include "base/claims.h"
#include "harness/filter_bits.h"
#include "base/must.h"
#include "harness/process_sockets.h"
#include "harness/process_trial.h"

#define BLOCK_NS UINT64_C(600000000000)
#define FAR_FILE 3000

static struct trial trial;
static char *victim, *other;

static int map_fd(const char *name)
{
	return bpf_object__find_map_fd_by_name(trial.bpf->obj, name);
}

static bool find_mark(const char *address, struct synfw_peer *ret_peer)
{
	const struct synfw_addr6 key = sockets_key(address);

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
	const struct synfw_addr6 key = sockets_key(address);
	const struct filter_bits bits =
		filter_bits_of(map_fd("synfw_block_filter"), map_fd("synfw_runtime"),
			       SYNFW_BLOCK_FILTER_WORDS, &key);

	return bits.own && bits.summary && bits.any;
}

static bool sockets_that_are_open_are_found(void)
{
	struct synfw_process process;
	struct synfw_peer peer;
	int let_go;
	pid_t child;

	apply(0, NULL);
	sockets_open(AF_INET, "198.51.100.1");
	sockets_open(AF_INET6, "2001:db8:1:2:3:4:5:6");
	sockets_open(AF_INET6, "::ffff:198.51.100.2");
	sockets_open(AF_INET, "127.0.0.1");
	sockets_open(AF_INET6, "::1");
	sockets_open(AF_INET, NULL);
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
	sockets_close();
	return true;
}

/* Of a second process that has them the mark is; what the first had pending is not lost. */
static bool marks_of_two_processes_add_up(void)
{
	struct synfw_peer peer;

	apply(0, NULL);
	sockets_open(AF_INET, "198.51.100.1");
	EXPECT(trial_run(victim, NULL, NULL, NULL) == 0);
	EXPECT(find_mark("198.51.100.1", &peer) && peer.points == 20);
	EXPECT(trial_run(victim, NULL, NULL, NULL) == 0);
	EXPECT(find_mark("198.51.100.1", &peer) && peer.points == 40 && peer.pending == 3);
	sockets_close();
	return true;
}

/* One process that executes the program twice has given its points once, and its block begins anew.
 */
static bool a_process_gives_its_points_once(void)
{
	const struct synfw_addr6 key = sockets_key("198.51.100.1");
	struct synfw_peer peer, after;
	int let_go;
	pid_t child;

	apply(0, NULL);
	sockets_open(AF_INET, "198.51.100.1");
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
	sockets_close();
	return true;
}

static bool exempt_addresses_are_not_marked(void)
{
	const struct synfw_addr6 key = sockets_key("198.51.100.1");
	uint32_t why = SYNFW_EXEMPT_GATEWAY;

	apply(0, NULL);
	MUST(bpf_map_update_elem(map_fd("synfw_exempt"), &key, &why, BPF_ANY) == 0);
	sockets_open(AF_INET, "198.51.100.1");
	sockets_open(AF_INET, "198.51.100.3");
	EXPECT(trial_run(victim, NULL, NULL, NULL) == 0);
	EXPECT(count_marks() == 1);
	MUST(bpf_map_delete_elem(map_fd("synfw_exempt"), &key) == 0);
	sockets_close();
	return true;
}

static bool what_monitors_is_marked_so_or_not_at_all(void)
{
	static const struct synfw_process_head monitors = {.monitor = true};
	struct synfw_process process;
	struct synfw_peer peer;
	int let_go;
	pid_t child;

	sockets_open(AF_INET, "198.51.100.1");
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
	sockets_close();
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
	int fd;

	apply(0, NULL);
	MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	fd = sockets_open(AF_INET, "198.51.100.1");
	EXPECT(trial_run(victim, NULL, NULL, NULL) == 0);
	EXPECT(trial_tally(&trial, SYNFW_PROCESS_TALLY_PEERS_UNSEEN) == before);
	forget_marks();
	MUST(dup2(fd, FAR_FILE) == FAR_FILE);
	sockets_close();
	EXPECT(trial_run(victim, NULL, NULL, NULL) == 0);
	EXPECT(trial_tally(&trial, SYNFW_PROCESS_TALLY_PEERS_UNSEEN) == before + 1);
	EXPECT(count_marks() == 0);
	close(FAR_FILE);
	return true;
}

int main(int argc, char **argv)
{
	struct synfw_runtime runtime = {.seed = 7};
	uint32_t zero = 0;

	MUST(argc == 2);
	trial_open(&trial, argv[1], 4096);
	sockets_begin();
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
	trial_close(&trial);
	return claims_end();
}
