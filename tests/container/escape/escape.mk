# The escape suite: one static program to run under a confinement, and the box to run it in.
BUILD ?= build
ESCAPE_DIR := tests/container/escape
ESCAPE_SRC := $(filter-out $(ESCAPE_DIR)/box%.c $(ESCAPE_DIR)/peer%.c,$(wildcard $(ESCAPE_DIR)/*.c))
ESCAPE_PROGRAMS := $(BUILD)/escape/escape $(BUILD)/escape/box
ESCAPE_CC ?= $(or $(MUSL_CC),musl-gcc)
ESCAPE_HOST_CC ?= $(or $(HOST_CC),gcc)
# musl's headers first, the kernel's fill the gaps.
ESCAPE_CFLAGS := -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra $(WERROR) -I$(ESCAPE_DIR) \
	-idirafter /usr/include -idirafter /usr/include/$(shell $(ESCAPE_HOST_CC) -dumpmachine)

.PHONY: escape-programs
escape-programs: $(ESCAPE_PROGRAMS)

$(BUILD)/escape/escape: $(ESCAPE_SRC:$(ESCAPE_DIR)/%.c=$(BUILD)/escape/obj/%.o)
	$(ESCAPE_CC) -static -pthread -o $@ $^
$(BUILD)/escape/box: $(patsubst $(ESCAPE_DIR)/%.c,$(BUILD)/escape/obj/%.o,$(wildcard $(ESCAPE_DIR)/box*.c))
	$(ESCAPE_CC) -static -o $@ $^
# For the comparison only: needs libseccomp-dev.
$(BUILD)/escape/peer_rules: $(ESCAPE_DIR)/peer_rules.c
	@mkdir -p $(@D)
	$(ESCAPE_HOST_CC) -std=c11 -D_GNU_SOURCE -O1 -Wall -Wextra $(WERROR) -o $@ $< -lseccomp
$(BUILD)/escape/obj/%.o: $(ESCAPE_DIR)/%.c $(wildcard $(ESCAPE_DIR)/*.h) $(ESCAPE_DIR)/escape.mk
	@mkdir -p $(@D)
	$(ESCAPE_CC) $(ESCAPE_CFLAGS) -c -o $@ $<
