# stremio-hook: the host's side of the devices. Included by the top Makefile.
# Host tool: glibc, dynamic, libudev. What it shares with the shim is compiled once more.
HOOK := $(BUILD)/stremio-hook
HOOK_SRC := $(wildcard hooks/*.c)
# The shim's readers of names, options and accounts, so that both choose the same user.
HOOK_SHARED := account.c args_file.c descriptors.c directory.c finding.c options.c options_table.c \
	output.c text.c
HOOK_OBJ := $(HOOK_SRC:hooks/%.c=$(BUILD)/hook/%.o) $(HOOK_SHARED:%.c=$(BUILD)/hook/shim/%.o)
HOOK_CFLAGS = $(HOST_CFLAGS) -D_FORTIFY_SOURCE=2 -fPIE -Ihooks

$(HOOK): $(HOOK_OBJ)
	$(call say,LINK)
	$(Q)$(HOST_CC) -pie -Wl,-z,relro,-z,now -o $@ $^ -ludev
$(BUILD)/hook/%.o: hooks/%.c Makefile hooks/hook.mk | $(BUILD)/tools
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(HOST_CC) $(HOOK_CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/hook/shim/%.o: shim/%.c Makefile hooks/hook.mk | $(BUILD)/tools
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(HOST_CC) $(HOOK_CFLAGS) -MMD -MP -c -o $@ $<
-include $(HOOK_OBJ:.o=.d)
