/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "dump.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include <describe.h>
#include <synfw/cleanup.h>

static const char *const choices[] = {
	[CHOICE_ALLOW] = "allow",
	[CHOICE_DROP] = "drop",
	[CHOICE_RULES] = "rules",
	[CHOICE_ESSENTIAL] = "essential",
};

static void dump_head(const struct policy *policy, FILE *out)
{
	static const char *const attach[] = {"auto", "native", "generic"};

	fprintf(out, "policy %s of %s%s%s%s\n", policy->name, policy->file,
		policy->monitor ? ", monitor" : "", policy->description ? ": " : "",
		policy->description ? policy->description : "");
	for (size_t i = 0; i < policy->nr_interfaces; i++)
		fprintf(out, "interface %s %s at line %u\n", policy->interfaces[i].pattern,
			attach[policy->interfaces[i].attach], policy->interfaces[i].at.line);
	fprintf(out,
		"defaults incoming %s, established %s, icmp %s, fragments %s, malformed %s, "
		"ethertypes %s\n",
		choices[policy->incoming], choices[policy->established], choices[policy->icmp],
		choices[policy->fragments], choices[policy->malformed],
		choices[policy->ethertypes]);
}

static void dump_thresholds(const struct policy *policy, FILE *out)
{
	CLEANUP(cleanup_free) char *scoring = NULL;
	CLEANUP(cleanup_free) char *logging = NULL;

	CLEANUP(cleanup_free) char *processes = NULL;

	if (!policy_scoring_describe(policy, &scoring) &&
	    !policy_logging_describe(policy, &logging) &&
	    !policy_process_scoring_describe(policy, &processes))
		fprintf(out, "scoring %s\nlogging %s\n", scoring, logging);
	if (policy->process_scoring.written)
		fprintf(out, "process-scoring %s\n", processes);
}

static void dump_set(const struct policy_set *set, FILE *out)
{
	char text[64];

	if (!set->name)
		return;
	fprintf(out, "set %s", set->name);
	if (set->file)
		fprintf(out, " of %s", set->file);
	if (set->dynamic)
		fprintf(out, " dynamic number %u size %u timeout %llu s", set->number, set->size,
			(unsigned long long)(set->timeout_ns / 1000000000ULL));
	for (size_t i = 0; i < set->prefixes.nr_v4; i++) {
		prefix4_format(&set->prefixes.v4[i], text, sizeof(text));
		fprintf(out, " %s", text);
	}
	for (size_t i = 0; i < set->prefixes.nr_v6; i++) {
		prefix6_format(&set->prefixes.v6[i], text, sizeof(text));
		fprintf(out, " %s", text);
	}
	fputc('\n', out);
}

static void dump_protect(const struct policy *policy, const struct protect_entry *entry, FILE *out)
{
	CLEANUP(cleanup_free) char *text = NULL;

	if (!policy_protect_describe(policy, entry, &text))
		fprintf(out, "protect %s\n", text);
}

static void dump_program_protect(const struct program_protect *entry, FILE *out)
{
	CLEANUP(cleanup_free) char *text = NULL;

	if (!policy_program_protect_describe(entry, &text))
		fprintf(out, "protect %s\n", text);
}

static void dump_rule(const struct policy *policy, const struct policy_rule *rule, FILE *out)
{
	CLEANUP(cleanup_free) char *text = NULL;

	if (!policy_rule_describe(policy, rule, &text))
		fprintf(out, "rule %s at line %u: %s\n", rule->name, rule->at.line, text);
}

static void dump_test(const struct policy_test *test, FILE *out)
{
	const struct packet_spec *packet = &test->packet;
	int family = packet->family == 4 ? AF_INET : AF_INET6;
	char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN] = "anything";

	inet_ntop(family, packet->saddr, source, sizeof(source));
	if (packet->has_daddr)
		inet_ntop(family, packet->daddr, destination, sizeof(destination));
	fprintf(out, "test %s port %u to %s proto %u port %u", source, packet->sport, destination,
		packet->proto, packet->dport);
	if (packet->has_icmp_type)
		fprintf(out, " type %u", packet->icmp_type);
	if (packet->has_flags)
		fprintf(out, " flags 0x%02x", packet->flags);
	if (packet->interface)
		fprintf(out, " on %s", packet->interface);
	if (packet->vlan != SYNFW_VLAN_NONE)
		fprintf(out, " vlan %u", packet->vlan);
	fprintf(out, ": %s by %s\n", test->expect == SYNFW_ALLOW ? "allow" : "drop",
		test->rule ? test->rule : "any");
}

static void dump_process_rules(const struct policy *policy, FILE *out)
{
	for (size_t i = 0; i < policy->nr_process_rules; i++) {
		const struct process_rule *rule = &policy->process_rules[i];
		CLEANUP(cleanup_free) char *text = NULL;

		if (!policy_process_rule_describe(rule, &text))
			fprintf(out, "process rule %s at line %u: %s\n", rule->name, rule->at.line,
				text);
	}
	for (size_t i = 0; i < policy->nr_memory_rules; i++) {
		const struct memory_rule *rule = &policy->memory_rules[i];
		CLEANUP(cleanup_free) char *text = NULL;

		if (!policy_memory_rule_describe(rule, &text))
			fprintf(out, "memory rule %s at line %u: %s\n", rule->name, rule->at.line,
				text);
	}
}

static void dump_process_test(const struct process_test *test, FILE *out)
{
	static const char *const actions[] = {
		[SYNFW_PROCESS_SCORE] = "allow",     [SYNFW_PROCESS_FLAG] = "flag",
		[SYNFW_PROCESS_ISOLATE] = "isolate", [SYNFW_PROCESS_KILL] = "kill",
		[SYNFW_PROCESS_DENY] = "deny",
	};
	const struct process_spec *process = &test->process;

	fprintf(out, "test exec %s of %s below %s by %u:%u",
		process->exec ? process->exec : "memfd",
		process->parent ? process->parent : "anything",
		process->ancestor ? process->ancestor : "anything", process->uid, process->gid);
	for (size_t i = 0; i < process->nr_args; i++)
		fprintf(out, " \"%s\"", process->args[i]);
	fprintf(out, ": %s by %s\n", actions[test->expect], test->rule ? test->rule : "any");
}

void dump_policy(const struct policy *policy, FILE *out)
{
	dump_head(policy, out);
	dump_thresholds(policy, out);
	for (size_t i = 0; i < policy->nr_protects; i++)
		dump_protect(policy, &policy->protects[i], out);
	for (size_t i = 0; i < policy->nr_program_protects; i++)
		dump_program_protect(&policy->program_protects[i], out);
	for (size_t i = 0; i < policy->nr_sets; i++)
		dump_set(&policy->sets[i], out);
	for (size_t i = 0; i < policy->nr_rules; i++)
		dump_rule(policy, &policy->rules[i], out);
	dump_process_rules(policy, out);
	for (size_t i = 0; i < policy->nr_tests; i++)
		dump_test(&policy->tests[i], out);
	for (size_t i = 0; i < policy->nr_process_tests; i++)
		dump_process_test(&policy->process_tests[i], out);
}
