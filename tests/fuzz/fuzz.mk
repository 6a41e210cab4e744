# What stremio-probe reads from strangers.
PROBE_FUZZED := $(addprefix shim/probe/,display.c pipewire_message.c pulse_message.c sound_node.c \
	wayland_message.c xauth.c xsetup.c) shim/text.c
$(BUILD)/fuzz/probe_messages: tests/fuzz/probe_messages.c $(PROBE_FUZZED) \
		$(wildcard shim/probe/*.h)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(FUZZ_CC) -std=c11 -g -O1 $(CPPFLAGS) -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -o $@ $< $(PROBE_FUZZED)
FUZZERS += $(BUILD)/fuzz/probe_messages

# Fuzzers of the shim's own readers; those of the policies are in shim/policy/policy.mk.
SHIM_FUZZED := $(addprefix shim/,account.c args_file.c finding.c text.c verify.c)
$(BUILD)/fuzz/shim_files: tests/fuzz/shim_files.c $(SHIM_FUZZED) $(wildcard shim/*.h)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(FUZZ_CC) -std=c11 -g -O1 $(CPPFLAGS) -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -o $@ $< $(SHIM_FUZZED)
FUZZERS += $(BUILD)/fuzz/shim_files
PROBE_RECORDS_FUZZED := $(addprefix shim/,records.c text.c probe/wire.c)
$(BUILD)/fuzz/probe_records: tests/fuzz/probe_records.c $(PROBE_RECORDS_FUZZED) shim/records.h \
		shim/probe/wire.h
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(FUZZ_CC) -std=c11 -g -O1 $(CPPFLAGS) -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -o $@ $< $(PROBE_RECORDS_FUZZED)
FUZZERS += $(BUILD)/fuzz/probe_records
