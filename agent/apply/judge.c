/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "judge.h"

#include <errno.h>
#include <string.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "datapath/frame.h"
#include "datapath/packet_text.h"
#include "datapath/seed.h"
#include "datapath/shadow.h"
#include "lockout.h"

static uint32_t slot_of(const struct candidate *candidate, const char *name)
{
	const struct interface_list *list = candidate->interfaces;
	size_t i;

	if (!name)
		return list->items[0].slot;
	for (i = 0; i < list->count; i++)
		if (!strcmp(list->items[i].name, name))
			return list->items[i].slot;
	return 0;
}

/* The policy's rule that decided, or NULL: a default or an entry of protect did. */
static const struct policy_rule *deciding_rule(const struct candidate *candidate,
					       const struct synfw_trace *trace)
{
	uint32_t index;

	if (trace->bit >= image_header_const(candidate->image)->nr_bits)
		return NULL;
	index = image_rule_const(candidate->image, trace->bit)->index;
	return index < candidate->policy->nr_rules ? &candidate->policy->rules[index] : NULL;
}

static const char *verdict_word(unsigned int verdict)
{
	return verdict == SYNFW_DROP ? "drop" : "allow";
}

static void report_failed_test(const struct policy_test *test, const struct policy_rule *rule,
			       const struct synfw_trace *trace, struct diags *diags)
{
	char packet[PACKET_TEXT_MAX];
	struct diag *diag;

	diag = diag_error(diags, test->at, "test failed: %s: expected %s%s%s%s, got %s%s%s%s",
			  packet_text(&test->packet, packet), verdict_word(test->expect),
			  test->rule ? " by rule \"" : "", test->rule ? test->rule : "",
			  test->rule ? "\"" : "", verdict_word(trace->verdict),
			  rule ? " by rule \"" : "", rule ? rule->name : "", rule ? "\"" : "");
	if (rule)
		diag_related(diags, diag, rule->at, "this rule decided");
	else
		diag_hint(diag, "no rule decided: %s", shadow_reason_sentence(trace->reason));
}

static int run_test(const struct candidate *candidate, const struct shadow *shadow,
		    const struct policy_test *test, struct diags *diags, struct fault *fault)
{
	const struct policy_rule *rule;
	struct synfw_trace trace;
	struct frame frame;
	int err;

	frame_build(&test->packet, &frame);
	err = shadow_judge(shadow, slot_of(candidate, test->packet.interface), frame.bytes,
			   frame.length, fault, &trace);
	if (err)
		return err;
	rule = deciding_rule(candidate, &trace);
	if (trace.verdict == (unsigned int)test->expect &&
	    (!test->rule || (rule && !strcmp(rule->name, test->rule))))
		return 0;
	report_failed_test(test, rule, &trace, diags);
	return 0;
}

static int run_tests(const struct candidate *candidate, const struct shadow *shadow,
		     struct diags *diags, struct fault *fault)
{
	size_t before = diags_errors(diags), i;
	int err = 0;

	for (i = 0; !err && i < candidate->policy->nr_tests; i++)
		err = run_test(candidate, shadow, &candidate->policy->tests[i], diags, fault);
	if (err)
		return err;
	return diags_errors(diags) > before ? -EINVAL : 0;
}

static int refuse_lockout(const struct candidate *candidate, const struct packet_spec *packet,
			  const struct synfw_trace *trace, struct fault *fault)
{
	const struct policy_rule *rule = deciding_rule(candidate, trace);
	char text[PACKET_TEXT_MAX];

	return fault_refuse(fault, EXIT_REFUSED,
			    "this policy would cut the SSH connection that you are using: %s is "
			    "dropped (%s%s%s); allow it under `protect:`, or use --force",
			    packet_text(packet, text),
			    rule ? "rule \"" : shadow_reason_word(trace->reason),
			    rule ? rule->name : "", rule ? "\"" : "");
}

/* The connection may come in somewhere else, where no policy is. */
static void warn_lockout(const struct candidate *candidate, const struct interface *interface,
			 const struct packet_spec *packet, const struct synfw_trace *trace,
			 struct diags *diags)
{
	const struct policy_rule *rule = deciding_rule(candidate, trace);
	const struct location file = {.file = candidate->policy->file};
	char text[PACKET_TEXT_MAX];
	struct diag *diag;

	diag = diag_warning(diags, rule ? rule->at : file,
			    "the SSH connection that you are using is cut if it comes in by %s: %s "
			    "would be dropped there",
			    interface->name, packet_text(packet, text));
	diag_hint(diag,
		  "its address belongs to none of the policy's interfaces, so by which it comes "
		  "in is not known; if by one of them, allow it under `protect:`");
}

/* Opening the connection again and going on with it must both pass. Tells whether they do. */
static int judge_connection(const struct candidate *candidate, const struct shadow *shadow,
			    const struct interface *interface, struct packet_spec *packet,
			    struct fault *fault, struct synfw_trace *ret_trace, bool *ret_cut)
{
	static const uint8_t flags[] = {SYNFW_TCP_SYN, SYNFW_TCP_ACK};
	struct frame frame;
	size_t i;
	int err;

	*ret_cut = false;
	packet->has_flags = true;
	for (i = 0; !*ret_cut && i < sizeof(flags); i++) {
		packet->flags = flags[i];
		frame_build(packet, &frame);
		err = shadow_judge(shadow, interface->slot, frame.bytes, frame.length, fault,
				   ret_trace);
		if (err)
			return err;
		*ret_cut = ret_trace->verdict == SYNFW_DROP && !ret_trace->monitor;
	}
	return 0;
}

static int check_lockout(const struct candidate *candidate, const struct shadow *shadow,
			 struct packet_spec packet, struct diags *diags, struct fault *fault)
{
	const struct interface_list *list = candidate->interfaces;
	const struct interface *known = lockout_interface(&packet, list);
	size_t first = known ? known - list->items : 0, end = known ? first + 1 : list->count, i;
	struct synfw_trace trace;
	bool cut;
	int err;

	for (i = first; i < end; i++) {
		err = judge_connection(candidate, shadow, &list->items[i], &packet, fault, &trace,
				       &cut);
		if (err)
			return err;
		if (cut && known)
			return refuse_lockout(candidate, &packet, &trace, fault);
		if (cut)
			warn_lockout(candidate, &list->items[i], &packet, &trace, diags);
	}
	return 0;
}

static void set_address(struct synfw_addr6 *address, uint8_t family, const uint8_t bytes[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (family == 4) {
		memcpy(address->byte, mapped, sizeof(mapped));
		memcpy(address->byte + sizeof(mapped), bytes, 4);
	} else {
		memcpy(address->byte, bytes, sizeof(*address));
	}
}

/* Lets the shadow program know the connection, if the policy will: a live datapath remembers it, or
 * it is seeded with the switch. */
static int remember_connection(const struct candidate *candidate, const struct shadow *shadow,
			       const struct packet_spec *packet, struct fault *fault)
{
	struct synfw_flow flow = {
		.tuple = {.remote_port_be = htons(packet->sport),
			  .local_port_be = htons(packet->dport),
			  .protocol = IPPROTO_TCP},
		.expires_ns = UINT64_MAX,
		.state = SYNFW_FLOW_ESTABLISHED,
	};
	struct synfw_flow_key key;

	set_address(&flow.tuple.remote, packet->family, packet->saddr);
	set_address(&flow.tuple.local, packet->family, packet->daddr);
	if (!seed_has(candidate->seeds, &flow.tuple) &&
	    !(candidate->state && flows_has(candidate->state, &flow.tuple)))
		return 0;
	key = flow_key(&flow.tuple);
	if (bpf_map_update_elem(shadow->object.map_fd[OBJECT_FLOWS], &key, &flow, BPF_ANY))
		return fault_system(fault, -errno, "cannot judge the SSH connection in use");
	return 0;
}

int judge_candidate(const struct candidate *candidate, bool force, struct diags *diags,
		    struct fault *fault)
{
	CLEANUP(shadow_close) struct shadow shadow = SHADOW_NONE;
	struct packet_spec ssh;
	bool over_ssh = !force && !lockout_find(&ssh) && lockout_ends_here(&ssh);
	int err;

	if (!candidate->policy->nr_tests && !over_ssh)
		return 0;
	/* blocks and connections of the moment are none of the policy's: whoever can send from a
	 * forged address could otherwise make its tests fail */
	err = shadow_open(candidate->tables, NULL, fault, &shadow);
	if (!err)
		err = run_tests(candidate, &shadow, diags, fault);
	if (!err && over_ssh)
		err = remember_connection(candidate, &shadow, &ssh, fault);
	if (!err && over_ssh)
		err = check_lockout(candidate, &shadow, ssh, diags, fault);
	return err;
}
