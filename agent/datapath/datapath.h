/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_DATAPATH_H
#define SYNFW_AGENT_DATAPATH_H

/* The pinned datapath: its maps and its program in one directory of the bpffs. */
#include <synfw/abi.h>

#include "object.h"

/* Opens what is pinned in `dir` and checks that every map has the shape that this binary expects;
 * of another ABI, all but the size of filters. -ENOENT, without a fault, when there is no such
 * directory. */
int datapath_open(const char *dir, bool same_abi, struct fault *fault, struct object *ret_object);

/* Opens one of its maps only, and checks it. -ENOENT, without a fault, when it is not there. */
int datapath_open_map(const char *dir, enum object_map map, struct fault *fault, int *ret_fd);

/* Creates `dir` and pins every map and the program there; `dir`/links is left empty. The caller
 * removes what a failure left. */
int datapath_pin(const struct object *object, const char *dir, struct fault *fault);

int datapath_read_control(const struct object *object, struct fault *fault,
			  struct synfw_control *ret_control);

/* The store that switches generations. */
int datapath_write_control(const struct object *object, const struct synfw_control *control,
			   struct fault *fault);

/* The kernel's id of a program or a link; 0 when it cannot be told. */
uint32_t datapath_program_id(int prog_fd);

#endif
