/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "shadow.h"

#include <errno.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "datapath.h"

/* No reason has this code: it shows that the program left a result. */
#define NO_RESULT 0xff

static const char *const reason_words[] = {
#define REASON_WORD(code, NAME, word, sentence) [code] = word,
	SYNFW_REASONS(REASON_WORD)
#undef REASON_WORD
};

static const char *const reason_sentences[] = {
#define REASON_SENTENCE(code, NAME, word, sentence) [code] = sentence,
	SYNFW_REASONS(REASON_SENTENCE)
#undef REASON_SENTENCE
};

const char *shadow_reason_word(unsigned int reason)
{
	return reason < SYNFW_NR_REASONS ? reason_words[reason] : "unknown";
}

const char *shadow_reason_sentence(unsigned int reason)
{
	return reason < SYNFW_NR_REASONS ? reason_sentences[reason]
					 : "a reason that this version does not know";
}

int shadow_open(const struct tables *tables, const struct object *state, struct fault *fault,
		struct shadow *ret_shadow)
{
	const struct synfw_control control = {.active = 0, .abi_version = SYNFW_ABI_VERSION};
	struct object object = OBJECT_NONE;
	int err;

	err = object_load_shadow(state, fault, &object);
	if (err)
		return err;
	err = tables_install(tables, &object, control.active, fault);
	if (!err)
		err = datapath_write_control(&object, &control, fault);
	if (err) {
		object_close(&object);
		return err;
	}
	ret_shadow->object = object;
	return 0;
}

int shadow_judge(const struct shadow *shadow, uint32_t interface_slot, const void *frame,
		 uint32_t length, struct fault *fault, struct synfw_trace *ret_trace)
{
	struct synfw_trace trace = {.slot_in = interface_slot, .reason = NO_RESULT};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = length, .repeat = 1);
	uint32_t key = 0;
	bool dropped;

	if (bpf_map_update_elem(shadow->object.trace_fd, &key, &trace, BPF_ANY) ||
	    bpf_prog_test_run_opts(shadow->object.prog_fd, &opts) ||
	    bpf_map_lookup_elem(shadow->object.trace_fd, &key, &trace))
		return fault_system(fault, -errno,
				    "cannot run the shadow program on a frame of "
				    "%u bytes",
				    length);
	dropped = trace.verdict == SYNFW_DROP && !trace.monitor;
	if (trace.reason == NO_RESULT || opts.retval != (dropped ? XDP_DROP : XDP_PASS))
		return fault_refuse(fault, EXIT_KERNEL,
				    "the shadow program returned %u without saying why",
				    opts.retval);
	*ret_trace = trace;
	return 0;
}

void shadow_close(struct shadow *shadow)
{
	object_close(&shadow->object);
}
