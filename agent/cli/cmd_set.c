/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw set add|del|list */
#include <errno.h>
#include <string.h>

#include <duration.h>
#include <synfw/cleanup.h>

#include "base/privileges.h"
#include "base/ui.h"
#include "command.h"
#include "host/lock.h"
#include "set_change.h"
#include "set_list.h"

#define LOCK_TIMEOUT_MS 60000

static int run_list(const struct set *set, const struct set_change *change, bool json,
		    struct fault *fault)
{
	(void)change;
	return set_list(set, json, fault) ? ui_fault(fault) : EXIT_DONE;
}

struct action {
	const char *name;
	bool has_addresses, has_lifetime, changes;
	int (*run)(const struct set *set, const struct set_change *change, bool json,
		   struct fault *fault);
};

static const struct action actions[] = {
	{"add", true, true, true, set_add},
	{"del", true, false, true, set_del},
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

static int parse_lifetime(const char *lifetime, const struct action *action,
			  struct set_change *change)
{
	if (lifetime && !action->has_lifetime) {
		ui_error("`synfw set %s` takes no --for", action->name);
		return EXIT_USAGE;
	}
	if (lifetime && !duration_parse(lifetime, &change->lifetime_ns)) {
		ui_error("--for \"%s\" is not a duration: a number and s, m, h or d, as in 36h",
			 lifetime);
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}

static int read_lines(struct set_change *change)
{
	int err = addresses_read(&change->addresses, stdin);

	if (!err)
		return EXIT_DONE;
	if (err == -EINVAL)
		ui_error("nothing was changed");
	else if (err == -E2BIG)
		ui_error("these are more than %d addresses; nothing was changed",
			 SYNFW_MAX_DYNAMIC_SIZE);
	else
		ui_error("cannot read the addresses: %s", fault_strerror(err));
	return err == -ENOMEM ? EXIT_KERNEL : EXIT_USAGE;
}

static int parse_addresses(char **operand, size_t count, struct set_change *change)
{
	size_t i;
	int err;

	if (count == 1 && !strcmp(operand[0], "-")) {
		change->many = true;
		return read_lines(change);
	}
	change->many = count > 1;
	for (i = 0; i < count; i++) {
		err = addresses_add(&change->addresses, operand[i]);
		if (err == -EINVAL)
			return EXIT_USAGE;
		if (err) {
			ui_error("out of memory");
			return EXIT_KERNEL;
		}
	}
	return EXIT_DONE;
}

static int parse_request(const struct invocation *invocation, const struct action *action,
			 struct set_change *change)
{
	size_t nr_addresses = invocation->nr_operands - 2;
	int status;

	change->name = invocation->operand[1];
	if ((nr_addresses > 0) != action->has_addresses) {
		ui_error(nr_addresses ? "`synfw set %s` takes no address"
				      : "`synfw set %s` needs an address",
			 action->name);
		return EXIT_USAGE;
	}
	status = parse_lifetime(option_value(invocation, "for"), action, change);
	return status ? status : parse_addresses(invocation->operand + 2, nr_addresses, change);
}

static void change_done(struct set_change *change)
{
	addresses_done(&change->addresses);
}

/* The addresses are read before anything is opened: whoever writes at the other end of a pipe may
 * take long, and an apply must not wait for it. */
int cmd_set(const struct invocation *invocation)
{
	const struct action *action = find_action(invocation->operand[0]);
	CLEANUP(lock_release) struct lock lock = LOCK_NONE;
	CLEANUP(set_close) struct set set = SET_NONE;
	CLEANUP(fault_done) struct fault fault = {0};
	CLEANUP(change_done) struct set_change change = {0};
	int status = action ? parse_request(invocation, action, &change) : EXIT_USAGE;

	if (status)
		return status;
	if (privileges_check(action->changes ? "change a set" : "read a set", &fault) ||
	    (action->changes && lock_acquire(&invocation->paths, LOCK_TIMEOUT_MS, &fault, &lock)) ||
	    set_open(&invocation->paths, change.name, &fault, &set))
		return ui_fault(&fault);
	return action->run(&set, &change, option_given(invocation, "json"), &fault);
}
