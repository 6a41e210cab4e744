// SPDX-License-Identifier: Apache-2.0
#include "bpf_sim.h"

#include <stddef.h>
#include <string.h>

#define MEM_WORDS 16

struct machine {
	uint32_t a;
	uint32_t x;
	uint32_t mem[MEM_WORDS];
	bool written[MEM_WORDS];
	const struct seccomp_data *data;
	struct sim_result result;
};

static bool fault(struct machine *m, const char *why)
{
	m->result.fault = why;
	return false;
}

static bool load(struct machine *m, const struct sock_filter *i, uint32_t *reg)
{
	switch (i->code & 0xe0) { /* mode */
	case 0x00:		  /* IMM */
		*reg = i->k;
		return true;
	case 0x20: /* ABS */
		if ((i->code & 0x07) != 0)
			return fault(m, "X cannot be loaded from the data");
		if ((i->k & 3) != 0 || i->k > sizeof(*m->data) - 4)
			return fault(m, "load outside the data");
		memcpy(reg, (const unsigned char *)m->data + i->k, 4);
		if (i->k >= 8)
			m->result.saw_args = true;
		return true;
	case 0x60: /* MEM */
		if (i->k >= MEM_WORDS || !m->written[i->k])
			return fault(m, "load of scratch memory that was not stored");
		*reg = m->mem[i->k];
		return true;
	case 0x80: /* LEN */
		*reg = sizeof(*m->data);
		return true;
	default:
		return fault(m, "addressing mode that seccomp has not");
	}
}

static bool compute(struct machine *m, const struct sock_filter *i)
{
	uint32_t b = (i->code & 0x08) ? m->x : i->k;

	switch (i->code & 0xf0) {
	case 0x00:
		m->a += b;
		break;
	case 0x10:
		m->a -= b;
		break;
	case 0x20:
		m->a *= b;
		break;
	case 0x30:
		if (b == 0)
			return fault(m, "division by zero");
		m->a /= b;
		break;
	case 0x40:
		m->a |= b;
		break;
	case 0x50:
		m->a &= b;
		break;
	case 0x60:
	case 0x70:
		if (b > 31)
			return fault(m, "shift by more than 31");
		m->a = (i->code & 0xf0) == 0x60 ? m->a << b : m->a >> b;
		break;
	case 0x80:
		m->a = 0u - m->a;
		break;
	case 0xa0:
		m->a ^= b;
		break;
	default:
		return fault(m, "arithmetic that seccomp has not");
	}
	return true;
}

/* Sets *skip to how many instructions are passed over. */
static bool jump(struct machine *m, const struct sock_filter *i, uint32_t *skip)
{
	uint32_t b = (i->code & 0x08) ? m->x : i->k;
	bool yes;

	switch (i->code & 0xf0) {
	case 0x00:
		*skip = i->k;
		return true;
	case 0x10:
		yes = m->a == b;
		break;
	case 0x20:
		yes = m->a > b;
		break;
	case 0x30:
		yes = m->a >= b;
		break;
	case 0x40:
		yes = (m->a & b) != 0;
		break;
	default:
		return fault(m, "jump that seccomp has not");
	}
	*skip = yes ? i->jt : i->jf;
	return true;
}

struct sim_result bpf_sim(const struct sock_filter *prog, unsigned int len,
			  const struct seccomp_data *data)
{
	struct machine m = {.data = data};
	uint64_t pc = 0;
	uint32_t skip;
	bool good = true;

	while (good) {
		if (pc >= len) {
			fault(&m, "the program ends without a return");
			break;
		}
		const struct sock_filter *i = &prog[pc++];

		m.result.steps++;
		switch (i->code & 0x07) { /* class */
		case 0x00:		  /* LD, words only */
			good = (i->code & 0x18) == 0 ? load(&m, i, &m.a) : fault(&m, "no word");
			break;
		case 0x01: /* LDX */
			good = (i->code & 0x18) == 0 ? load(&m, i, &m.x) : fault(&m, "no word");
			break;
		case 0x02: /* ST */
		case 0x03: /* STX */
			if (i->k >= MEM_WORDS) {
				good = fault(&m, "store outside scratch memory");
				break;
			}
			m.mem[i->k] = (i->code & 0x07) == 0x02 ? m.a : m.x;
			m.written[i->k] = true;
			break;
		case 0x04: /* ALU */
			good = compute(&m, i);
			break;
		case 0x05: /* JMP */
			good = jump(&m, i, &skip);
			if (good)
				pc += skip;
			break;
		case 0x06: /* RET: K or A */
			m.result.action = (i->code & 0x18) == 0x10 ? m.a : i->k;
			return m.result;
		default: /* MISC: TAX, TXA */
			if ((i->code & 0xf8) == 0x80)
				m.a = m.x;
			else
				m.x = m.a;
		}
	}
	return m.result;
}
