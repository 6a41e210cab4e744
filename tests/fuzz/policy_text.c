// SPDX-License-Identifier: Apache-2.0
/* libFuzzer: any bytes as a policy's text. What is taken must compile and check. */
#include <stdlib.h>

#include "policy/codegen.h"
#include "policy/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sock_filter code[POLICY_MAX_INSNS];
	struct target t = {ARCH_X86_64, false};
	struct ruleset rs;
	struct policy p;
	uint16_t count = 0;

	if (size > 0) {
		t.arch = data[0] & 1 ? ARCH_AARCH64 : ARCH_X86_64;
		t.userns_allow = (data[0] & 2) != 0;
	}
	if (ruleset_parse(&rs, "fuzz", (const char *)data, size, t, NULL, NULL) == 0 &&
	    codegen(&rs, code, &count) == 0) {
		codegen_describe(&rs, &p);
		p.code = code;
		p.count = count;
		if (verify(&rs, &p) != 0)
			abort();
	}
	ruleset_free(&rs);
	return 0;
}
