/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_VM_LSM_DENY_H
#define TESTS_VM_LSM_DENY_H

/* Of a path with its final 0; a longer one is never denied. */
#define LSM_DENY_PATH_BYTES 256

#endif
