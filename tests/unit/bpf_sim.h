/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulator of classic BPF under seccomp, written from the kernel's documentation
 * (networking/filter.rst, userspace-api/seccomp_filter.rst) and bpf(4). It shares nothing with the
 * compiler it is there to judge.
 */
#ifndef STREMIO_TESTS_BPF_SIM_H
#define STREMIO_TESTS_BPF_SIM_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>

struct sim_result {
	const char *fault;  /* why the program is none, or NULL */
	uint32_t action;    /* what it returned, when fault is NULL */
	unsigned int steps; /* instructions executed */
	bool saw_args;	    /* it looked at an argument or the instruction pointer */
};

/* Runs len instructions of prog on data. */
struct sim_result bpf_sim(const struct sock_filter *prog, unsigned int len,
			  const struct seccomp_data *data);

#endif
