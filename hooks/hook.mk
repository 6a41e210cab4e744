# stremio-hook: the host's side of the devices. Included by the top Makefile.
# Host tool: glibc, dynamic, libudev. What it shares with the shim is compiled once more.
HOOK := $(BUILD)/stremio-hook
HOOK_SRC := $(wildcard hooks/*.c)
# The shim's readers of names, options and accounts, so that both choose the same user.
HOOK_SHARED := account.c args_file.c descriptors.c directory.c environment.c finding.c options.c \
	options_table.c output.c text.c probe/wire.c
HOOK_OBJ := $(HOOK_SRC:hooks/%.c=$(BUILD)/hook/%.o) $(HOOK_SHARED:%.c=$(BUILD)/hook/shim/%.o)
# Where this system's libraries are: mapping ld.so's cache to look that up costs a start 0.3 ms.
# Where they are not, the cache is asked as ever.
HOOK_RPATH = $(addprefix -Wl$(comma)-rpath$(comma)/lib/,$(shell $(HOST_CC) -print-multiarch))
comma := ,
HOOK_CFLAGS = $(HOST_CFLAGS) -D_FORTIFY_SOURCE=2 -fPIE -Ihooks

$(HOOK): $(HOOK_OBJ)
	$(call say,LINK)
	$(Q)$(HOST_CC) -pie -Wl,-z,relro,-z,now $(HOOK_RPATH) -o $@ $^ -ludev
$(BUILD)/hook/%.o: hooks/%.c Makefile hooks/hook.mk | $(BUILD)/tools
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(HOST_CC) $(HOOK_CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/hook/shim/%.o: shim/%.c Makefile hooks/hook.mk | $(BUILD)/tools
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(HOST_CC) $(HOOK_CFLAGS) -MMD -MP -c -o $@ $<
-include $(HOOK_OBJ:.o=.d)

# --- Tests ---------------------------------------------------------------------------------

# tests/unit/hook_NAME_test.c: with every object of the hook but main's, under the sanitizers.
HOOK_ASAN_OBJ = $(patsubst hooks/%.c,$(BUILD)/asan/hook/%.o,$(filter-out hooks/main.c,$(HOOK_SRC))) \
	$(addprefix $(BUILD)/asan/obj/,$(HOOK_SHARED:.c=.o))
$(BUILD)/asan/hook/%.o: hooks/%.c Makefile hooks/hook.mk | $(BUILD)/tools
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(HOST_CC) $(ASAN_CFLAGS) -Ihooks -MMD -MP -c -o $@ $<
HOOK_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/hook_*_test.c))
$(HOOK_TESTS): $(BUILD)/unit/hook_%_test: tests/unit/hook_%_test.c Makefile $(BUILD)/unit/cmocka $$(HOOK_ASAN_OBJ)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(HOST_CC) $(ASAN_CFLAGS) -Ihooks -Wno-missing-prototypes -MMD -MP -o $@ $< \
		$(HOOK_ASAN_OBJ) -lcmocka -ludev
-include $(HOOK_SRC:hooks/%.c=$(BUILD)/asan/hook/%.d)

HOOK_FUZZED := $(addprefix hooks/,idmap.c devices.c request.c state_text.c discover.c owner.c instance.c) \
	$(addprefix shim/,$(HOOK_SHARED))
$(BUILD)/fuzz/hook_inputs: tests/fuzz/hook_inputs.c $(HOOK_FUZZED) $(wildcard hooks/*.h shim/*.h)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(FUZZ_CC) -std=c11 -g -O1 $(CPPFLAGS) -Ihooks -Dmmap=fuzz_mmap \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $< $(HOOK_FUZZED) -ludev
FUZZERS += $(BUILD)/fuzz/hook_inputs
