# The container tier's own programs: static, so that they run in an empty root under any policy.
CONTAINER_HELPERS := $(addprefix $(BUILD)/tests/,app state calls inject poke reach denied)
CONTAINER_PROGRAMS := $(CONTAINER_HELPERS) $(BUILD)/tests/fake_probe $(BUILD)/policy/server-deny.bpf

# Not -isystem: musl's own headers come first, the kernel's fill the gaps.
$(CONTAINER_HELPERS): $(BUILD)/tests/%: tests/container/%.c | $(BUILD)/tools
	@mkdir -p $(@D)
	$(MUSL_CC) -std=c11 -O1 -Wall -Wextra $(WERROR) -static -idirafter /usr/include \
		-idirafter /usr/include/$(shell $(HOST_CC) -dumpmachine) -o $@ $<
$(BUILD)/tests/fake_probe: tests/container/fake_probe.c shim/probe/wire.c shim/probe/wire.h
	@mkdir -p $(@D)
	$(MUSL_CC) -std=c11 -O1 -Wall -Wextra $(WERROR) -static -Ishim -o $@ $(filter %.c,$^)
