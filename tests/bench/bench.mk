# What `make bench` runs: a static musl program that does nothing, and the stopwatch.
BENCH_PROGRAMS := $(BUILD)/bench/spawn $(BUILD)/bench/nothing $(BUILD)/bench/hook_cost
BENCHES += tests/bench/devices.sh

$(BUILD)/bench/nothing: tests/bench/nothing.c | $(BUILD)/tools
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(MUSL_CC) -std=c11 -Os $(WARN) -static -no-pie -s -o $@ $<
$(BUILD)/bench/%: tests/bench/%.c | $(BUILD)/tools
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(HOST_CC) $(HOST_CFLAGS) -o $@ $<
