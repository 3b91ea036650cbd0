/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw set add|del|list */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <duration.h>
#include <synfw/cleanup.h>

#include "command.h"
#include "json.h"
#include "lock.h"
#include "members.h"
#include "privileges.h"
#include "report.h"
#include "set.h"
#include "ui.h"

#define LOCK_TIMEOUT_MS 60000
#define NS_PER_S	1000000000ULL

/* What is asked for: parsed before anything is opened. */
struct request {
	const char *name;
	struct synfw_addr6 key; /* add, del */
	char text[64];		/* the address, as it is printed */
	uint64_t lifetime_ns;	/* add; 0: that of the set */
};

static void format_address(const struct any_prefix *address, char text[64])
{
	if (address->family == 4)
		prefix4_format(&address->v4, text, 64);
	else
		prefix6_format(&address->v6, text, 64);
}

static int parse_address(const char *text, struct request *request)
{
	struct any_prefix address = {0};
	enum prefix_error error;

	if (strchr(text, '/')) {
		ui_error("\"%s\" is a prefix, and a dynamic set holds single addresses; a set in "
			 "the policy holds prefixes",
			 text);
		return -EINVAL;
	}
	error = prefix_parse(text, strlen(text), &address);
	if (error) {
		ui_error("\"%s\" is not an address", text);
		return -EINVAL;
	}
	request->key = member_key(&address);
	/* ::ffff:192.0.2.1 is that address of IPv4, to packets and to readers */
	address = member_address(&request->key);
	format_address(&address, request->text);
	return 0;
}

/* ---- add ---- */

static void print_added(const struct request *request, uint64_t lifetime_ns, bool is_new)
{
	printf("%s %s %s %s", is_new ? "added" : "renewed", request->text, is_new ? "to" : "in",
	       request->name);
	if (lifetime_ns)
		printf(" for %llu s", (unsigned long long)(lifetime_ns / NS_PER_S));
	putchar('\n');
}

static void print_added_json(const struct request *request, uint64_t lifetime_ns, bool is_new)
{
	/* clang-format off */
	CLEANUP(json_decrefp) json_t *root = json_pack(
		"{s:s, s:o, s:s, s:b, s:o}",
		"schema", "synfw.set.add/1",
		"set", json_text(request->name),
		"address", request->text,
		"added", is_new,
		"expires_in_s", lifetime_ns ? json_integer(lifetime_ns / NS_PER_S) : json_null());
	/* clang-format on */

	report_print_json(root);
}

static int run_add(const struct invocation *invocation, const struct request *request,
		   const struct set *set, struct fault *fault)
{
	uint64_t lifetime_ns = request->lifetime_ns ? request->lifetime_ns : set->about.timeout_ns;
	struct synfw_member member = {.expires_ns = lifetime_ns ? members_now() + lifetime_ns : 0};
	bool is_new;
	int err = members_add(set->fd, &request->key, &member, fault, &is_new);

	if (err == -E2BIG)
		fault_refuse(fault, EXIT_REFUSED,
			     "set \"%s\" is full: it has %u members; take some out, or apply a "
			     "policy that gives it a larger size",
			     request->name, set->about.size);
	if (err)
		return ui_fault(fault);
	if (option_given(invocation, "json"))
		print_added_json(request, lifetime_ns, is_new);
	else
		print_added(request, lifetime_ns, is_new);
	return ui_done("added");
}

/* ---- del ---- */

static int run_del(const struct invocation *invocation, const struct request *request,
		   const struct set *set, struct fault *fault)
{
	CLEANUP(json_decrefp) json_t *root = NULL;
	bool removed;

	if (members_del(set->fd, &request->key, fault, &removed))
		return ui_fault(fault);
	if (option_given(invocation, "json")) {
		root = json_pack("{s:s, s:o, s:s, s:b}", "schema", "synfw.set.del/1", "set",
				 json_text(request->name), "address", request->text, "removed",
				 removed);
		report_print_json(root);
	} else {
		printf(removed ? "took %s out of %s\n" : "%s is not in %s\n", request->text,
		       request->name);
	}
	return removed ? ui_done("taken out") : EXIT_NO;
}

/* ---- list ---- */

struct listed {
	struct synfw_addr6 key;
	struct synfw_member member;
};

struct listing {
	struct listed *items;
	size_t count, room;
	uint64_t now_ns;
};

static void listing_done(struct listing *listing)
{
	free(listing->items);
}

static int list_member(const struct synfw_addr6 *key, const struct synfw_member *member,
		       void *context)
{
	struct listing *listing = context;

	if (!member_is_live(member, listing->now_ns))
		return 0;
	if (listing->count == listing->room) {
		size_t room = listing->room ? 2 * listing->room : 1024;
		struct listed *items = reallocarray(listing->items, room, sizeof(*items));

		if (!items)
			return -ENOMEM;
		listing->items = items;
		listing->room = room;
	}
	listing->items[listing->count++] = (struct listed){*key, *member};
	return 0;
}

static bool is_ipv6(const struct synfw_addr6 *key)
{
	return member_address(key).family == 6;
}

/* IPv4 first, as everywhere. */
static int compare_listed(const void *left, const void *right)
{
	const struct listed *a = left, *b = right;
	int order = is_ipv6(&a->key) - is_ipv6(&b->key);

	return order ? order : memcmp(&a->key, &b->key, sizeof(a->key));
}

/* Rounded up: what is still a member expires in a second at the least. */
static uint64_t seconds_left(const struct listing *listing, const struct listed *item)
{
	return (item->member.expires_ns - listing->now_ns + NS_PER_S - 1) / NS_PER_S;
}

static void print_list(const struct listing *listing, const struct set *set)
{
	char text[64];
	size_t i;

	for (i = 0; i < listing->count; i++) {
		const struct any_prefix address = member_address(&listing->items[i].key);

		format_address(&address, text);
		if (listing->items[i].member.expires_ns)
			printf("%-40s %llu s\n", text,
			       (unsigned long long)seconds_left(listing, &listing->items[i]));
		else
			printf("%s\n", text);
	}
	fflush(stdout);
	fprintf(stderr, "%zu of %u members\n", listing->count, set->about.size);
}

/* Written piece by piece: a set may have two million members. */
static void print_list_json(const struct listing *listing, const struct set *set)
{
	char text[64];
	size_t i;

	/* the characters of a set's name need no quoting */
	printf("{\"schema\":\"synfw.set.list/1\",\"set\":\"%s\",\"size\":%u,\"timeout_s\":",
	       set->about.name, set->about.size);
	if (set->about.timeout_ns)
		printf("%llu", (unsigned long long)(set->about.timeout_ns / NS_PER_S));
	else
		printf("null");
	printf(",\"members\":[");
	for (i = 0; i < listing->count; i++) {
		const struct any_prefix address = member_address(&listing->items[i].key);

		format_address(&address, text);
		printf("%s{\"address\":\"%s\",\"expires_in_s\":", i ? "," : "", text);
		if (listing->items[i].member.expires_ns)
			printf("%llu}",
			       (unsigned long long)seconds_left(listing, &listing->items[i]));
		else
			printf("null}");
	}
	printf("]}\n");
}

static int run_list(const struct invocation *invocation, const struct request *request,
		    const struct set *set, struct fault *fault)
{
	CLEANUP(listing_done) struct listing listing = {.now_ns = members_now()};
	int err = members_each(set->fd, list_member, &listing, fault);

	if (err) {
		fault_system(fault, err, "cannot list set \"%s\"", request->name);
		return ui_fault(fault);
	}
	if (listing.count)
		qsort(listing.items, listing.count, sizeof(*listing.items), compare_listed);
	if (option_given(invocation, "json"))
		print_list_json(&listing, set);
	else
		print_list(&listing, set);
	return EXIT_DONE;
}

/* ---- the command ---- */

struct action {
	const char *name;
	bool has_address, has_lifetime, changes;
	int (*run)(const struct invocation *invocation, const struct request *request,
		   const struct set *set, struct fault *fault);
};

static const struct action actions[] = {
	{"add", true, true, true, run_add},
	{"del", true, false, true, run_del},
	{"list", false, false, false, run_list},
};

#define NR_ACTIONS (sizeof(actions) / sizeof(*actions))

static const struct action *find_action(const char *word)
{
	const char *names[NR_ACTIONS + 1] = {NULL};
	size_t i;

	for (i = 0; i < NR_ACTIONS; i++) {
		names[i] = actions[i].name;
		if (!strcmp(actions[i].name, word))
			return &actions[i];
	}
	command_report_unknown("action on a set", word, names);
	return NULL;
}

static int parse_request(const struct invocation *invocation, const struct action *action,
			 struct request *request)
{
	const char *lifetime = option_value(invocation, "for");
	bool has_address = invocation->nr_operands > 2;

	request->name = invocation->operand[1];
	if (has_address != action->has_address) {
		ui_error(has_address ? "`synfw set %s` takes no address"
				     : "`synfw set %s` needs an address",
			 action->name);
		return -EINVAL;
	}
	if (lifetime && !action->has_lifetime) {
		ui_error("`synfw set %s` takes no --for", action->name);
		return -EINVAL;
	}
	if (lifetime && !duration_parse(lifetime, &request->lifetime_ns)) {
		ui_error("--for \"%s\" is not a duration: a number and s, m, h or d, as in 36h",
			 lifetime);
		return -EINVAL;
	}
	return has_address ? parse_address(invocation->operand[2], request) : 0;
}

int cmd_set(const struct invocation *invocation)
{
	const struct action *action = find_action(invocation->operand[0]);
	CLEANUP(lock_release) struct lock lock = LOCK_NONE;
	CLEANUP(set_close) struct set set = SET_NONE;
	CLEANUP(fault_done) struct fault fault = {0};
	struct request request = {0};

	if (!action || parse_request(invocation, action, &request))
		return EXIT_USAGE;
	if (privileges_check(action->changes ? "change a set" : "read a set", &fault) ||
	    (action->changes && lock_acquire(&invocation->paths, LOCK_TIMEOUT_MS, &fault, &lock)) ||
	    set_open(&invocation->paths, request.name, &fault, &set))
		return ui_fault(&fault);
	return action->run(invocation, &request, &set, &fault);
}
