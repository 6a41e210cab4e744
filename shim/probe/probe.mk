# stremio-probe: static glibc with libX11 (Debian's archives) and alsa-lib (deps.sh).
#
# Included by the top Makefile. Sets PROBE (the program) and PROBE_SRCS; adds to PROGRAMS, through
# the Makefile, and to FUZZERS.

PROBE := $(BUILD)/stremio-probe
PROBE_DIR := shim/probe
PROBE_SRCS := $(wildcard $(PROBE_DIR)/*.c)
# Of the shim: building texts.
PROBE_SHARED := shim/text.c
PROBE_NAMES := $(PROBE_SRCS:shim/%.c=%.o) $(PROBE_SHARED:shim/%.c=%.o)
PROBE_OBJ := $(addprefix $(BUILD)/probe/,$(PROBE_NAMES) probe/start.o)
PROBE_ASAN_OBJ := $(addprefix $(BUILD)/probe-asan/,$(PROBE_NAMES))
PROBE_FILTER := $(BUILD)/policy/probe-deny.h
PROBE_ALSA := $(BUILD)/deps/alsa/lib/libasound.a

$(eval $(call policy_compile,probe,deny))

$(PROBE_ALSA): shim/probe/deps.sh shim/deps_common.sh | $(BUILD)/tools
	@BUILD=$(BUILD) HOST_CC=$(HOST_CC) shim/probe/deps.sh

# Position independent, for it reads what strangers write: that costs a tenth of its start, which
# start.S wins back.
PROBE_CFLAGS = -std=c11 -O2 $(WARN) $(CPPFLAGS) $(PREFIX_MAP) -I$(BUILD)/policy \
	-isystem $(BUILD)/deps/alsa/include -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2 \
	-ffunction-sections -fdata-sections
PROBE_LDFLAGS := -static-pie -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,relro -Wl,-z,now \
	-Wl,-z,noexecstack -Wl,-e,probe_start
PROBE_LIBS := -Wl,--wrap=__assert_fail -Wl,-Bstatic -lX11 -lxcb -lXau -lXdmcp $(PROBE_ALSA)

# xcb can look names of hosts up, which the linker warns of; the probe gives it none, and its
# filter lets it make no socket to ask with.
$(PROBE): $(PROBE_OBJ) $(PROBE_ALSA)
	$(call say,LINK)
	$(Q)$(HOST_CC) $(PROBE_LDFLAGS) -o $@.full $(PROBE_OBJ) $(PROBE_LIBS) -lm 2> $@.log || \
		{ cat $@.log >&2; exit 1; }
	$(Q)$(STRIP) --strip-all -R .comment -R .note.gnu.property -o $@ $@.full

$(BUILD)/probe/%.o: shim/%.c Makefile $(PROBE_DIR)/probe.mk | $(PROBE_ALSA) $(PROBE_FILTER)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(HOST_CC) $(PROBE_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/probe/%.o: shim/%.S Makefile $(PROBE_DIR)/probe.mk
	@mkdir -p $(@D)
	$(call say,AS)
	$(Q)$(HOST_CC) -c -o $@ $<

# The same sources with AddressSanitizer and UBSan; only the C library is dynamic.
asan: $(BUILD)/asan/stremio-probe
$(BUILD)/asan/stremio-probe: $(PROBE_ASAN_OBJ) tests/asan_options.c $(PROBE_ALSA)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(HOST_CC) $(ASAN_CFLAGS) -static-libasan -static-libubsan -o $@ $(PROBE_ASAN_OBJ) \
		tests/asan_options.c $(PROBE_LIBS) -Wl,-Bdynamic -lm
$(BUILD)/probe-asan/%.o: shim/%.c Makefile $(PROBE_DIR)/probe.mk | $(PROBE_ALSA) $(PROBE_FILTER)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(HOST_CC) $(ASAN_CFLAGS) -I$(BUILD)/policy -isystem $(BUILD)/deps/alsa/include \
		-MMD -MP -c -o $@ $<

# A filter that is compiled anew is in the program.
$(BUILD)/probe/probe/filter.o $(BUILD)/probe-asan/probe/filter.o: $(PROBE_FILTER)

-include $(PROBE_OBJ:.o=.d) $(PROBE_ASAN_OBJ:.o=.d)
