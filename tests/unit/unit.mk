# tests/unit/NAME_test.c -> $(BUILD)/unit/NAME_test: a cmocka program with every object of the
# shim but main's, built for the host with AddressSanitizer and UBSan. A file that replaces
# functions says which in its first lines:   /* wrap: mount openat */
UNIT_SRC := $(wildcard tests/unit/*_test.c)
UNIT_TESTS += $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)
UNIT_LIB_OBJ = $(filter-out $(BUILD)/asan/obj/main.o,$(ASAN_OBJ))
-include $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%.d)

# Asked for when the first of them is built, so that `make` alone does not need cmocka.
$(BUILD)/unit/cmocka: | $(BUILD)/tools
	@mkdir -p $(@D)
	@printf '%s\n' '#include <stdarg.h>' '#include <stddef.h>' '#include <setjmp.h>' \
		'#include <cmocka.h>' | $(HOST_CC) -E -x c - >/dev/null 2>&1 || \
		{ echo 'make: tools: missing (apt-get install libcmocka-dev)' >&2; exit 1; }
	@touch $@

wraps = $(addprefix -Wl$(,)--wrap=,$(shell sed -n 's,^/\* wrap: \(.*\) \*/$$,\1,p' $(1)))
, := ,

$(BUILD)/unit/%_test: tests/unit/%_test.c Makefile $(BUILD)/unit/cmocka \
		$(BUILD)/deps/host/lib/libcap-ng.a $$(UNIT_LIB_OBJ)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(HOST_CC) $(ASAN_CFLAGS) -Wno-missing-prototypes -MMD -MP -o $@ $< \
		$(call wraps,$<) $(UNIT_LIB_OBJ) $(BUILD)/deps/host/lib/libcap-ng.a -lcmocka

# Those of the probe: its own sources and no others.
UNIT_PROBE_OBJ = $(filter-out %/probe/main.o,$(PROBE_ASAN_OBJ)) $(PROBE_ALSA) \
	$(BUILD)/policy/asan/bpf_sim.o
UNIT_PROBE_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(filter tests/unit/probe_%,$(UNIT_SRC)))
$(UNIT_PROBE_TESTS): $(BUILD)/unit/%: tests/unit/%.c Makefile $(BUILD)/unit/cmocka \
		$$(UNIT_PROBE_OBJ)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(HOST_CC) $(ASAN_CFLAGS) -I$(BUILD)/policy -isystem $(BUILD)/deps/alsa/include \
		-Itests/unit -Wno-missing-prototypes -MMD -MP -o $@ $< $(call wraps,$<) \
		$(UNIT_PROBE_OBJ) $(PROBE_LIBS) -Wl,-Bdynamic -lm -lcmocka

# What tests/run.sh asks for before it runs a tier.
unit-programs: $(UNIT_TESTS)
	@printf '%s\n' $^ > $(BUILD)/unit/programs
.PHONY: unit-programs
container-programs: $(CONTAINER_PROGRAMS)
.PHONY: container-programs
