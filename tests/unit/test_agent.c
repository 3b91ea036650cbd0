/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parts of the agent that decide without a kernel. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "unit.h"

#include <cli/command.h>
#include <policy/diff.h>
#include <base/fault.h>
#include <host/infrastructure.h>
#include <datapath/interfaces.h>
#include <apply/lockout.h>
#include <datapath/members.h>
#include <datapath/packet_text.h>
#include <base/paths.h>
#include <host/proc_sockets.h>

/* ---- interface slots and the kernel's table of them ---- */

static void an_interface_keeps_its_slot(void **state)
{
	struct manifest_interface live_interfaces[] = {
		{.name = "eth0", .ifindex = 2, .slot = 1},
		{.name = "eth1", .ifindex = 3, .slot = 2},
	};
	struct manifest live = {.interfaces = live_interfaces, .nr_interfaces = 2};
	struct interface items[] = {{.ifindex = 9}, {.ifindex = 3}};
	struct interface_list list = {.items = items, .count = 2};

	assert_int_equal(interfaces_assign_slots(&live, &list), 0);
	assert_int_equal(items[1].slot, 2);
	/* slot 1 still counts eth0 until this apply is through */
	assert_int_equal(items[0].slot, 3);
}

static void slots_start_at_one_and_end(void **state)
{
	struct interface items[SYNFW_MAX_INTERFACES + 1];
	struct interface_list list = {.items = items, .count = SYNFW_MAX_INTERFACES};
	size_t i;

	for (i = 0; i < SYNFW_MAX_INTERFACES + 1; i++)
		items[i] = (struct interface){.ifindex = (uint32_t)i + 1};
	assert_int_equal(interfaces_assign_slots(NULL, &list), 0);
	assert_int_equal(items[0].slot, 1);
	assert_int_equal(items[SYNFW_MAX_INTERFACES - 1].slot, SYNFW_MAX_INTERFACES);
	list.count++;
	assert_int_equal(interfaces_assign_slots(NULL, &list), -ENOSPC);
}

/* As interface_slot() in bpf/packets/account.bpf.h looks. */
static uint32_t look_up(const struct interface_table *table, uint32_t ifindex)
{
	uint32_t probe;

	for (probe = 0; probe < SYNFW_INTERFACE_PROBES; probe++) {
		const struct synfw_interface *entry =
			&table->entry[(ifindex + probe) % SYNFW_INTERFACE_ENTRIES];

		if (entry->ifindex == ifindex)
			return entry->slot;
	}
	return 0;
}

static void colliding_indexes_are_all_found(void **state)
{
	struct interface_table table = {0};
	uint32_t i;

	for (i = 0; i < SYNFW_INTERFACE_PROBES; i++)
		assert_int_equal(
			interface_table_set(&table, 5 + i * SYNFW_INTERFACE_ENTRIES, i + 1), 0);
	for (i = 0; i < SYNFW_INTERFACE_PROBES; i++)
		assert_int_equal(look_up(&table, 5 + i * SYNFW_INTERFACE_ENTRIES), i + 1);
	assert_int_equal(interface_table_set(&table, 5 + 4 * SYNFW_INTERFACE_ENTRIES, 9), -ENOSPC);
	assert_int_equal(look_up(&table, 5 + 4 * SYNFW_INTERFACE_ENTRIES), 0);
	/* one that is there is updated in place, full or not */
	assert_int_equal(interface_table_set(&table, 5, 7), 0);
	assert_int_equal(look_up(&table, 5), 7);
}

static void removing_an_index_hides_no_other(void **state)
{
	struct interface items[] = {{.ifindex = 5 + SYNFW_INTERFACE_ENTRIES, .slot = 2}};
	struct interface_list list = {.items = items, .count = 1};
	struct interface_table table = {0};

	assert_int_equal(interface_table_set(&table, 5, 1), 0);
	assert_int_equal(interface_table_set(&table, 5 + SYNFW_INTERFACE_ENTRIES, 2), 0);
	interface_table_retain(&table, &list);
	assert_int_equal(look_up(&table, 5), 0);
	assert_int_equal(look_up(&table, 5 + SYNFW_INTERFACE_ENTRIES), 2);
}

/* ---- diff ---- */

static struct manifest policy_of(struct manifest_rule *rules, size_t count)
{
	return (struct manifest){.policy = "edge", .rules = rules, .nr_rules = count};
}

static void finds_added_removed_changed_and_moved_rules(void **state)
{
	struct manifest_rule old_rules[] = {
		{.name = "a", .text = "from a; drop"}, {.name = "b", .text = "from b; drop"},
		{.name = "c", .text = "from c; drop"}, {.name = "d", .text = "from d; drop"},
		{.name = "e", .text = "from e; drop"},
	};
	struct manifest_rule new_rules[] = {
		{.name = "d", .text = "from d; drop"}, {.name = "b", .text = "from b; drop"},
		{.name = "c", .text = "from x; drop"}, {.name = "n", .text = "from n; drop"},
		{.name = "e", .text = "from e; drop"},
	};
	struct manifest before = policy_of(old_rules, 5), after = policy_of(new_rules, 5);
	struct diff diff;

	assert_int_equal(diff_manifests(&before, &after, &diff), 0);
	assert_int_equal(diff.count, 4);
	assert_int_equal(diff_count(&diff, DIFF_RULE, DIFF_REMOVED), 1);
	assert_string_equal(diff.entries[0].name, "a");
	assert_int_equal(diff_count(&diff, DIFF_RULE, DIFF_CHANGED), 1);
	assert_string_equal(diff.entries[1].before, "from c; drop");
	assert_string_equal(diff.entries[1].after, "from x; drop");
	assert_int_equal(diff_count(&diff, DIFF_RULE, DIFF_ADDED), 1);
	assert_string_equal(diff.entries[2].name, "n");
	/* one rule moved, not the three that it passed */
	assert_int_equal(diff_count(&diff, DIFF_RULE, DIFF_MOVED), 1);
	assert_string_equal(diff.entries[3].name, "d");
	diff_done(&diff);
}

static void equal_policies_do_not_differ(void **state)
{
	struct manifest_rule rules[] = {{.name = "a", .text = "t"}, {.name = "b", .text = "t"}};
	struct manifest policy = policy_of(rules, 2);
	struct diff diff;

	assert_int_equal(diff_manifests(&policy, &policy, &diff), 0);
	assert_int_equal(diff.count, 0);
	diff_done(&diff);
}

static void members_of_a_set_may_change_at_equal_size(void **state)
{
	struct manifest_set old_set = {.name = "bad", .entries4 = 3, .digest = "aa"};
	struct manifest_set new_set = {.name = "bad", .entries4 = 3, .digest = "bb"};
	struct manifest before = {.policy = "edge", .sets = &old_set, .nr_sets = 1};
	struct manifest after = {.policy = "edge", .sets = &new_set, .nr_sets = 1};
	struct diff diff;

	assert_int_equal(diff_manifests(&before, &after, &diff), 0);
	assert_int_equal(diff_count(&diff, DIFF_SET, DIFF_CHANGED), 1);
	diff_done(&diff);
}

static void what_happens_over_time_is_compared(void **state)
{
	struct manifest before = {.policy = "edge", .scoring = "none", .logging = "events block"};
	struct manifest after = {
		.policy = "edge", .scoring = "drop-at 100", .logging = "events drop"};
	struct diff diff;

	assert_int_equal(diff_manifests(&before, &after, &diff), 0);
	assert_int_equal(diff.count, 2);
	assert_int_equal(diff_count(&diff, DIFF_POLICY, DIFF_CHANGED), 2);
	assert_string_equal(diff.entries[0].name, "scoring");
	assert_string_equal(diff.entries[0].before, "none");
	assert_string_equal(diff.entries[0].after, "drop-at 100");
	assert_string_equal(diff.entries[1].name, "logging");
	diff_done(&diff);
}

/* ---- the SSH connection ---- */

static void reads_ssh_connections(void **state)
{
	struct packet_spec packet;
	char text[PACKET_TEXT_MAX];

	assert_int_equal(lockout_parse("203.0.113.5 50022 192.0.2.1 22", &packet), 0);
	assert_string_equal(packet_text(&packet, text), "203.0.113.5:50022 to 192.0.2.1:22/tcp");
	assert_int_equal(lockout_parse("2001:db8::5 50022 2001:db8::1 22", &packet), 0);
	assert_string_equal(packet_text(&packet, text),
			    "[2001:db8::5]:50022 to [2001:db8::1]:22/tcp");
}

static void a_mapped_address_is_ipv4_on_the_wire(void **state)
{
	struct packet_spec packet;

	assert_int_equal(lockout_parse("::ffff:203.0.113.5 50022 ::ffff:192.0.2.1 22", &packet), 0);
	assert_int_equal(packet.family, 4);
	assert_memory_equal(packet.saddr, "\xcb\x00\x71\x05", 4);
}

static void a_zone_is_not_part_of_the_address(void **state)
{
	struct packet_spec packet;

	assert_int_equal(lockout_parse("fe80::5%eth0 50022 fe80::1%eth0 22", &packet), 0);
	assert_int_equal(packet.family, 6);
	assert_int_equal(packet.saddr[15], 5);
}

static void rejects_what_is_no_connection(void **state)
{
	static const char *const bad[] = {
		"",
		"203.0.113.5",
		"203.0.113.5 1 192.0.2.1",
		"203.0.113.5 1 2001:db8::1 22",
		"a 1 b 22",
		"203.0.113.5 1 192.0.2.1 22 x",
		"203.0.113.5 1 192.0.2.1 x",
	};
	struct packet_spec packet;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(lockout_parse(bad[i], &packet), -EINVAL);
}

/* ---- resolvers ---- */

static void reads_name_servers(void **state)
{
	struct prefix_list resolvers = {0};

	assert_int_equal(infrastructure_parse_resolvers("# nameserver 192.0.2.9\n"
							"search example.org\n"
							"nameserver 192.0.2.53\n"
							"  nameserver\t2001:db8::53 \r\n"
							"nameserver fe80::1%eth0\n"
							"nameserver example.org\n"
							"nameserver\n"
							"nameservers 192.0.2.8\n"
							"nameserver 192.0.2.54",
							&resolvers),
			 0);
	assert_int_equal(resolvers.nr_v4, 2);
	assert_int_equal(resolvers.nr_v6, 2);
	assert_true(prefix_list_contains4(&resolvers, 0xc0000235));
	assert_true(prefix_list_contains4(&resolvers, 0xc0000236));
	prefix_list_done(&resolvers);
}

/* ---- faults and paths ---- */

static void the_first_fault_wins(void **state)
{
	struct fault fault = {0};

	assert_int_equal(fault_system(&fault, -ENOSPC, "cannot pin \"%s\"", "x"), -ENOSPC);
	assert_int_equal(fault_refuse(&fault, EXIT_REFUSED, "later"), -ECANCELED);
	assert_string_equal(fault.message, "cannot pin \"x\": No space left on device");
	assert_int_equal(fault.exit_code, EXIT_KERNEL);
	fault_done(&fault);
}

static void lacking_rights_has_its_own_exit_code(void **state)
{
	struct fault fault = {0};

	fault_system(&fault, -EPERM, "cannot attach");
	assert_int_equal(fault.exit_code, EXIT_PERMISSION);
	fault_done(&fault);
}

static void directories_come_from_the_environment(void **state)
{
	struct fault fault = {0};
	struct paths paths;

	setenv("SYNFW_BPFFS", "/run/test/bpf//", 1);
	assert_int_equal(paths_init(&fault, &paths), 0);
	assert_string_equal(paths.bpffs, "/run/test/bpf");
	assert_string_equal(paths.staging, "/run/test/bpf/new");
	assert_false(paths.bpffs_is_default);
	paths_done(&paths);
	setenv("SYNFW_BPFFS", "relative", 1);
	assert_int_not_equal(paths_init(&fault, &paths), 0);
	assert_int_equal(fault.exit_code, EXIT_USAGE);
	fault_done(&fault);
	unsetenv("SYNFW_BPFFS");
}

/* ---- the command table ---- */

static void every_command_can_be_found_and_explains_itself(void **state)
{
	const struct command_option *option;
	size_t i, count;

	for (i = 0; i < nr_commands; i++) {
		assert_ptr_equal(command_find(commands[i].name), &commands[i]);
		assert_non_null(commands[i].run);
		assert_non_null(commands[i].summary);
		for (option = commands[i].options, count = 0; option->name; option++, count++)
			assert_non_null(option->help);
		assert_in_range(count, 1, COMMAND_MAX_OPTIONS);
	}
	assert_null(command_find("aply"));
}

static void assert_key(const char *text, const char *same, uint8_t family, uint8_t first,
		       uint8_t last)
{
	struct any_prefix address = {};
	struct synfw_addr6 key;
	char printed[64];

	assert_int_equal(prefix_parse(text, strlen(text), &address), 0);
	key = member_key(&address);
	assert_int_equal(key.byte[0], first);
	assert_int_equal(key.byte[15], last);
	address = member_address(&key);
	assert_int_equal(address.family, family);
	if (family == 4)
		prefix4_format(&address.v4, printed, sizeof(printed));
	else
		prefix6_format(&address.v6, printed, sizeof(printed));
	assert_string_equal(printed, same);
}

static void an_address_is_one_key_and_back(void **state)
{
	assert_key("192.0.2.7", "192.0.2.7", 4, 0, 7);
	assert_key("0.0.0.0", "0.0.0.0", 4, 0, 0);
	assert_key("::ffff:192.0.2.7", "192.0.2.7", 4, 0, 7);
	assert_key("2001:db8::9", "2001:db8::9", 6, 0x20, 9);
	assert_key("::fffe:192.0.2.7", "::fffe:c000:207", 6, 0, 7);
	assert_key("::", "::", 6, 0, 0);
}

static void a_member_ends_when_it_expires(void **state)
{
	assert_true(member_is_live(&(struct synfw_member){0}, UINT64_MAX));
	assert_true(member_is_live(&(struct synfw_member){1000}, 999));
	assert_false(member_is_live(&(struct synfw_member){1000}, 1000));
	assert_false(member_is_live(&(struct synfw_member){1}, UINT64_MAX));
}

/* ---- /proc/net ---- */

static void sockets_are_read_from_lines_of_proc(void **state)
{
	static const char v4[] =
		"   1: 0A0200C0:0016 076433C6:C001 01 00000000:00000000 02:000A 00000000     0\n";
	static const char v6[] = "  12: B80D0120000000000000000001000000:0035 "
				 "B80D0120000000000000000002000000:D431 07 00000000:00000000\n";
	struct inet_diag_msg socket;
	struct in6_addr address;

	assert_int_equal(proc_socket_parse(v4, AF_INET, &socket), 0);
	assert_int_equal(socket.id.idiag_src[0], inet_addr("192.0.2.10"));
	assert_int_equal(socket.id.idiag_dst[0], inet_addr("198.51.100.7"));
	assert_int_equal(ntohs(socket.id.idiag_sport), 22);
	assert_int_equal(ntohs(socket.id.idiag_dport), 0xc001);
	assert_int_equal(socket.idiag_state, 1);
	assert_int_equal(proc_socket_parse(v6, AF_INET6, &socket), 0);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::2", &address), 1);
	assert_memory_equal(socket.id.idiag_dst, &address, sizeof(address));
	assert_int_equal(ntohs(socket.id.idiag_sport), 53);
	assert_int_equal(socket.idiag_state, 7);
}

static void lines_of_proc_that_are_no_sockets_are_refused(void **state)
{
	static const char *const lines[] = {
		"",
		"  sl  local_address rem_address   st tx_queue rx_queue",
		"   1: 0A0200C0:0016",
		"   1: 0A0200C0:0016 076433C6:C001 ",
		"   1: 0A0200C0:0016 076433C6:C0zz 01 ",
		"   1: B80D0120000000000000000001000000:0035 ",
	};
	struct inet_diag_msg socket;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(proc_socket_parse(lines[i], AF_INET, &socket), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interface_keeps_its_slot),
		cmocka_unit_test(slots_start_at_one_and_end),
		cmocka_unit_test(colliding_indexes_are_all_found),
		cmocka_unit_test(removing_an_index_hides_no_other),
		cmocka_unit_test(finds_added_removed_changed_and_moved_rules),
		cmocka_unit_test(equal_policies_do_not_differ),
		cmocka_unit_test(members_of_a_set_may_change_at_equal_size),
		cmocka_unit_test(what_happens_over_time_is_compared),
		cmocka_unit_test(reads_ssh_connections),
		cmocka_unit_test(a_mapped_address_is_ipv4_on_the_wire),
		cmocka_unit_test(a_zone_is_not_part_of_the_address),
		cmocka_unit_test(rejects_what_is_no_connection),
		cmocka_unit_test(an_address_is_one_key_and_back),
		cmocka_unit_test(a_member_ends_when_it_expires),
		cmocka_unit_test(reads_name_servers),
		cmocka_unit_test(the_first_fault_wins),
		cmocka_unit_test(lacking_rights_has_its_own_exit_code),
		cmocka_unit_test(directories_come_from_the_environment),
		cmocka_unit_test(every_command_can_be_found_and_explains_itself),
		cmocka_unit_test(sockets_are_read_from_lines_of_proc),
		cmocka_unit_test(lines_of_proc_that_are_no_sockets_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
