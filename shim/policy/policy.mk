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
POLICY_VARIANTS := stremio-deny stremio-allow server-deny server-allow init-deny

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
	mkdir -p $@

$(BUILD)/policy/host/%.o: $(POLICY_DIR)/%.c $(POLICY_HEADERS) | $(BUILD)/policy/host
	$(HOSTCC) $(HOST_CFLAGS) $(POLICY_CFLAGS) -c -o $@ $<

$(POLICY_TOOL): $(BUILD)/policy/host/main.o $(POLICY_LIB_OBJS)
	$(HOSTCC) $(HOST_CFLAGS) -o $@ $^ -lseccomp

# policy_compile NAME USERNS
define policy_compile
$(BUILD)/policy/$(1)-$(2).h: $(POLICY_TOOL) $(POLICY_TEXTS) | $(BUILD)/policy
	$(POLICY_TOOL) compile -a $(POLICY_ARCH) -u $(2) -f c -o $$@ $(POLICY_DIR)/$(1).policy

$(BUILD)/policy/$(1)-$(2).bpf: $(POLICY_TOOL) $(POLICY_TEXTS) | $(BUILD)/policy
	$(POLICY_TOOL) compile -a $(POLICY_ARCH) -u $(2) -f bpf -o $$@ $(POLICY_DIR)/$(1).policy
endef

$(eval $(call policy_compile,stremio,deny))
$(eval $(call policy_compile,stremio,allow))
$(eval $(call policy_compile,server,deny))
$(eval $(call policy_compile,server,allow))
$(eval $(call policy_compile,init,deny))

.PHONY: policy-check
policy-check: $(POLICY_TOOL)
	$(POLICY_TOOL) check $(wildcard $(POLICY_DIR)/*.policy)
