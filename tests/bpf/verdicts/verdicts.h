/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_VERDICTS_H
#define TESTS_BPF_VERDICTS_H

/*
 * Tests in which the live program, the shadow program and something that knows the answer say what
 * becomes of single packets. They leave nothing in a datapath that another one sees, so one
 * process can run several without loading the programs again.
 */
#include "harness/datapath.h"

/* EXIT_SUCCESS, EXIT_FAILURE, or 77: the data is absent. */
int test_shapes(struct datapath *datapath); /* wants one that had no policy yet */
int test_large_set(struct datapath *datapath);
int test_large_set6(struct datapath *datapath);
int test_dense_blocks(struct datapath *datapath);
int test_paths6(struct datapath *datapath);
int test_classbench_generated(struct datapath *datapath);
int test_classbench_data(struct datapath *datapath);
int test_lists(struct datapath *datapath);

#endif
