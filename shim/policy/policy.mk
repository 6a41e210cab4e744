# System call policies: the compiler, what it makes for the shim, tests and fuzzers.
#
# To be included by the top Makefile (GNU make), paths from the repository's root.
# Uses:    BUILD (build), HOSTCC (cc), HOST_CFLAGS, POLICY_ARCH (this machine's, x86_64
#          or aarch64: what the filters in the shim are for), CLANG for the fuzzers.
# Targets: $(BUILD)/stremio-policy                the compiler (libseccomp)
#          $(BUILD)/policy/NAME-USERNS.h          a filter as C arrays, for builtin.c
#          $(BUILD)/policy/NAME-USERNS.bpf        the same as a file, for --policy=FILE
#          policy-check                           reads every shipped policy, all variants
# Sets:    POLICY_TOOL          the compiler's path
#          POLICY_SHIM_SRCS     the shim's sources from here, to be compiled by the
#                               includer with $(SHIM_CC) $(SHIM_CFLAGS) $(POLICY_SHIM_FLAGS)
#          POLICY_SHIM_FLAGS    include paths for these
#          POLICY_GENERATED     must exist before builtin.c is compiled (order-only will do
#                               for a first build; use it as a normal prerequisite)
#          POLICY_BPF_FILES     the .bpf files, to install
# Adds to: UNIT_TESTS           cmocka programs, run from the root without arguments
#          FUZZERS              libFuzzer programs (clang)
#          BENCHES              programs that print figures

BUILD ?= build
HOSTCC ?= cc
CLANG ?= clang
HOST_CFLAGS ?= -std=c11 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE
POLICY_ARCH ?= $(shell uname -m)

POLICY_DIR := shim/policy
POLICY_TOOL := $(BUILD)/stremio-policy
POLICY_TEXTS := $(wildcard $(POLICY_DIR)/*.policy $(POLICY_DIR)/groups/*.inc)
POLICY_VARIANTS := stremio-deny stremio-allow server-deny server-allow init-deny audit-deny

POLICY_SHIM_SRCS := $(POLICY_DIR)/file.c $(POLICY_DIR)/builtin.c
POLICY_SHIM_FLAGS := -I$(POLICY_DIR) -I$(BUILD)/policy
POLICY_GENERATED := $(POLICY_VARIANTS:%=$(BUILD)/policy/%.h)
POLICY_BPF_FILES := $(POLICY_VARIANTS:%=$(BUILD)/policy/%.bpf)

POLICY_LIB_SRCS := $(addprefix $(POLICY_DIR)/,names.c items.c parse.c check.c codegen.c \
	tree.c tests.c output.c verify.c diff.c file.c)
POLICY_HEADERS := $(wildcard $(POLICY_DIR)/*.h)
POLICY_CFLAGS := -I$(POLICY_DIR)
POLICY_LIB_OBJS := $(POLICY_LIB_SRCS:$(POLICY_DIR)/%.c=$(BUILD)/policy/host/%.o)

$(BUILD)/policy $(BUILD)/policy/host:
	@mkdir -p $@

$(BUILD)/policy/host/%.o: $(POLICY_DIR)/%.c $(POLICY_HEADERS) | $(BUILD)/policy/host
	$(call say,CC)
	$(Q)$(HOSTCC) $(HOST_CFLAGS) $(POLICY_CFLAGS) -c -o $@ $<

$(POLICY_TOOL): $(BUILD)/policy/host/main.o $(POLICY_LIB_OBJS)
	$(call say,LINK)
	$(Q)$(HOSTCC) $(HOST_CFLAGS) -o $@ $^ -lseccomp

# policy_compile NAME USERNS
define policy_compile
$(BUILD)/policy/$(1)-$(2).h: $(POLICY_TOOL) $(POLICY_TEXTS) | $(BUILD)/policy
	$$(call say,POLICY)
	$$(Q)$(POLICY_TOOL) compile -a $(POLICY_ARCH) -u $(2) -f c -o $$@ $(POLICY_DIR)/$(1).policy

$(BUILD)/policy/$(1)-$(2).bpf: $(POLICY_TOOL) $(POLICY_TEXTS) | $(BUILD)/policy
	$$(call say,POLICY)
	$$(Q)$(POLICY_TOOL) compile -a $(POLICY_ARCH) -u $(2) -f bpf -o $$@ $(POLICY_DIR)/$(1).policy
endef

$(eval $(call policy_compile,stremio,deny))
$(eval $(call policy_compile,stremio,allow))
$(eval $(call policy_compile,server,deny))
$(eval $(call policy_compile,server,allow))
$(eval $(call policy_compile,init,deny))
$(eval $(call policy_compile,audit,deny))

.PHONY: policy-check
policy-check: $(POLICY_TOOL)
	$(POLICY_TOOL) check $(wildcard $(POLICY_DIR)/*.policy)

# --- Tests ---------------------------------------------------------------------------------

# The compiler's own sources once more, under the sanitizers.
POLICY_TEST_FLAGS := $(POLICY_CFLAGS) -Itests/unit -I$(BUILD)/policy
POLICY_ASAN_OBJS := $(POLICY_LIB_SRCS:$(POLICY_DIR)/%.c=$(BUILD)/policy/asan/%.o) \
	$(BUILD)/policy/asan/bpf_sim.o $(BUILD)/policy/asan/policy_naive.o
POLICY_TESTS := policy_equal policy_shipped policy_language policy_meaning policy_reader \
	policy_load policy_command

$(BUILD)/policy/asan:
	@mkdir -p $@
$(BUILD)/policy/asan/%.o: $(POLICY_DIR)/%.c $(POLICY_HEADERS) | $(BUILD)/policy/asan
	$(call say,CC)
	$(Q)$(HOSTCC) $(ASAN_CFLAGS) $(POLICY_CFLAGS) -c -o $@ $<
$(BUILD)/policy/asan/%.o: tests/unit/%.c $(wildcard tests/unit/*.h) | $(BUILD)/policy/asan
	$(call say,CC)
	$(Q)$(HOSTCC) $(ASAN_CFLAGS) -Itests/unit -c -o $@ $<

# The kernel's own call numbers as a table. aarch64 has the generic ones; the flags are those
# its headers set. x86_64's are installed on x86_64 machines only.
POLICY_NUMBERS := $(BUILD)/policy/policy_kernel_numbers.h
POLICY_GENERIC := -D__BITS_PER_LONG=64 -D__ARCH_WANT_RENAMEAT -D__ARCH_WANT_NEW_STAT \
	-D__ARCH_WANT_SET_GET_RLIMIT -D__ARCH_WANT_SYS_CLONE3 -D__ARCH_WANT_MEMFD_SECRET
$(POLICY_NUMBERS): $(POLICY_DIR)/policy.mk | $(BUILD)/policy
	$(Q){ echo '/* Made from the kernel headers. */'; \
	echo 'static const struct { const char *name; unsigned int nr; _Bool aarch64; }'; \
	echo 'kernel_numbers[] = {'; \
	echo '#include <asm-generic/unistd.h>' | $(HOSTCC) -undef $(POLICY_GENERIC) -E -dM - | \
		awk '$$2 ~ /^__NR3264_/ { alias[$$2] = $$3 } $$2 ~ /^__NR_/ { nr[$$2] = $$3 } \
		END { for (n in nr) print "{ \"" substr(n, 6) "\", " \
			(nr[n] in alias ? alias[nr[n]] : nr[n]) ", 1 }," }' | \
		grep -Ev '"(syscalls|arch_specific_syscall)"' | sort; \
	if [ $(POLICY_ARCH) = x86_64 ]; then echo '#include <asm/unistd_64.h>' | \
		$(HOSTCC) -E -dM - | awk '$$2 ~ /^__NR_/ && $$3 ~ /^[0-9]+$$/ { \
		print "{ \"" substr($$2, 6) "\", " $$3 ", 0 }," }' | sort; fi; \
	echo '{ 0, 0, 0 } };'; } > $@.tmp
	$(Q)mv $@.tmp $@

$(BUILD)/unit/policy_%: tests/unit/policy_%.c $(wildcard tests/unit/policy_*.h) $(POLICY_ASAN_OBJS) \
		$(POLICY_NUMBERS) $(POLICY_TEXTS) $(POLICY_TOOL)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(HOSTCC) $(ASAN_CFLAGS) $(POLICY_TEST_FLAGS) -DPOLICY_TOOL='"$(POLICY_TOOL)"' -o $@ $< \
		$(POLICY_ASAN_OBJS) -lcmocka -lseccomp

UNIT_TESTS += $(POLICY_TESTS:%=$(BUILD)/unit/%)

FUZZ_CFLAGS ?= -std=c11 -O1 -g -D_GNU_SOURCE -Ishim \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
POLICY_FUZZERS := $(addprefix $(BUILD)/fuzz/,policy_diff policy_text policy_bpf)
$(POLICY_FUZZERS): $(BUILD)/fuzz/%: tests/fuzz/%.c $(POLICY_LIB_SRCS) $(POLICY_HEADERS) \
		$(wildcard tests/unit/bpf_sim.* tests/unit/policy_naive.*)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) $(POLICY_TEST_FLAGS) -o $@ $< $(POLICY_LIB_SRCS) \
		tests/unit/bpf_sim.c tests/unit/policy_naive.c -lseccomp
FUZZERS += $(POLICY_FUZZERS)

$(BUILD)/bench/filter_load: tests/bench/filter_load.c tests/unit/bpf_sim.c $(POLICY_LIB_OBJS)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(HOSTCC) $(HOST_CFLAGS) $(POLICY_TEST_FLAGS) -o $@ $^ -lseccomp
BENCHES += $(BUILD)/bench/filter_load
