# SPDX-License-Identifier: Apache-2.0
#
# stremio-shim: `make help` lists what can be asked for. GNU make, no configure step.

VERSION := 0.1.0
BUILD ?= build
prefix ?= /usr/local
# The program the container tier runs.
SHIM ?= $(BUILD)/stremio-shim
SECONDS ?= 60

.DEFAULT_GOAL := all
.SECONDEXPANSION:
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

ifneq ($(words $(CURDIR) $(BUILD)),2)
$(error make: "$(CURDIR)": configure scripts and make cannot handle blanks in a path (build elsewhere))
endif

# Short lines, whole commands with V=1, nothing with -s.
Q := $(if $(V),,@)
say = $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),@:,@printf '  %-6s %s\n') $(1) $@

# --- Tools and flags -----------------------------------------------------------------------

MUSL_CC ?= musl-gcc
HOST_CC ?= gcc
FUZZ_CC ?= clang
STRIP ?= strip
WERROR ?= -Werror

WARN := -Wall -Wextra $(WERROR) -Wpedantic -Wshadow -Wundef -Wvla -Wformat=2 -Wwrite-strings \
	-Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
CPPFLAGS = -D_GNU_SOURCE -DSHIM_VERSION='"$(VERSION)"' -Ishim $(POLICY_SHIM_FLAGS)
# Where the tree lies must not show in the products.
PREFIX_MAP := -ffile-prefix-map=$(CURDIR)/= -ffile-prefix-map=$(abspath $(BUILD))=build

# The shim. -O2 would save 6 of 406 us from spawn to exit and cost 7 KiB and a page. No unwind
# tables: nothing here unwinds. _FORTIFY_SOURCE is left out because musl has no use for it. The
# whole program is optimised at the link, which saves 3.5 KiB.
SHIM_CFLAGS = -std=c11 -Os $(WARN) $(CPPFLAGS) $(PREFIX_MAP) -isystem $(BUILD)/deps/kernel \
	-isystem $(BUILD)/deps/musl/include -fno-pie -fstack-protector-strong \
	-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables -flto
# noseparate-code: headers, text and constants share one segment, which saves pages of memory and
# of file; nothing is writable and executable. norelro: musl's static start-up code applies no
# RELRO, so it would only cost a page. Of the start files only musl's first: the compiler's, which are
# for constructors, C++ and unwinding, would take 600 bytes. common-page-size: data begin in the file
# right behind constants, and not, where that saves a page of memory, at a page of it.
SHIM_LDFLAGS := -nostartfiles -l:crt1.o -Os -flto=auto -flto-partition=one -static -no-pie -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,norelro \
	-Wl,-z,noexecstack -Wl,-z,noseparate-code -Wl,-z,common-page-size=64

# Tools that run on the machine that builds, and unit tests.
HOST_CFLAGS = -std=c11 -O2 -g $(WARN) $(CPPFLAGS) $(PREFIX_MAP) -fstack-protector-strong
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
ASAN_CFLAGS = -std=c11 -O1 -g $(WARN) $(CPPFLAGS) -isystem $(BUILD)/deps/host/include $(SANITIZE)

# --- Sources -------------------------------------------------------------------------------

SHIM_SRC := $(wildcard shim/*.c) shim/probe/wire.c

# Appended to by the parts' own .mk files:
#  UNIT_TESTS  cmocka programs      FUZZERS  libFuzzer programs      BENCHES  print figures
UNIT_TESTS :=
FUZZERS :=
BENCHES :=
HOSTCC := $(HOST_CC)
CLANG := $(FUZZ_CC)

include shim/policy/policy.mk
include shim/probe/probe.mk
include hooks/hook.mk
include tests/container/container.mk
include tests/unit/unit.mk
include tests/bench/bench.mk
-include tests/fuzz/fuzz.mk

PROGRAMS := $(BUILD)/stremio-shim $(PROBE) $(POLICY_TOOL) $(HOOK)
SHIM_NAMES := $(SHIM_SRC:shim/%.c=%.o) $(POLICY_SHIM_SRCS:shim/%.c=%.o)
SHIM_OBJ := $(addprefix $(BUILD)/obj/,$(SHIM_NAMES))
# no_stdio.c stands in for parts of musl; glibc with the sanitizers wants its own.
ASAN_OBJ := $(addprefix $(BUILD)/asan/obj/,$(filter-out no_stdio.o,$(SHIM_NAMES)))
$(BUILD)/obj/policy/builtin.o $(BUILD)/asan/obj/policy/builtin.o: $(POLICY_GENERATED)

# --- Targets -------------------------------------------------------------------------------

.PHONY: all help deps relink asan run check packages unit container escape incus stack host machine \
	build-tier lint format bench soak mutants fuzz install uninstall clean distclean

all: $(PROGRAMS) ## build the shim and its tools (fetches libcap-ng's source the first time)

help: ## list the targets
	@echo 'make [TARGET] [BUILD=build] [prefix=/usr/local] [DESTDIR=] [CAPNG_SRC=FILE]'
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | while IFS="$$(printf '\t')" read -r t d; \
		do printf '  %-10s %s\n' "$$t" "$$d"; done

# One line that names every missing package, before the compiler says it in fifty.
TOOLS_PACKAGES := $(MUSL_CC):musl-tools $(HOST_CC):gcc ar:binutils sha256sum:coreutils bzip2:bzip2
$(BUILD)/tools:
	@mkdir -p $(@D)
	@missing=; for t in $(TOOLS_PACKAGES); do \
		command -v $${t%%:*} >/dev/null || missing="$$missing $${t#*:}"; done; \
	[ -f /usr/include/linux/seccomp.h ] || missing="$$missing linux-libc-dev"; \
	have() { echo "#include <$$1>" | $(HOST_CC) -E -x c - >/dev/null 2>&1 || \
		[ -f /usr/include/$$1 ]; }; \
	have stdio.h || missing="$$missing libc6-dev"; \
	have seccomp.h || missing="$$missing libseccomp-dev"; \
	have X11/Xlib.h || missing="$$missing libx11-dev"; \
	have libudev.h || missing="$$missing libudev-dev"; \
	[ -z "$$missing" ] || { \
		echo "make: tools: missing (apt-get install$$missing)" >&2; exit 1; }
	@touch $@

deps: $(BUILD)/deps/musl/lib/libcap-ng.a ## fetch and build what is not packaged (libcap-ng for musl)

CAPNG_ENV = BUILD=$(BUILD) MUSL_CC=$(MUSL_CC) HOST_CC=$(HOST_CC)
$(BUILD)/deps/musl/lib/libcap-ng.a: shim/deps.sh | $(BUILD)/tools
	@$(CAPNG_ENV) shim/deps.sh musl
$(BUILD)/deps/host/lib/libcap-ng.a: shim/deps.sh | $(BUILD)/deps/musl/lib/libcap-ng.a
	@$(CAPNG_ENV) shim/deps.sh host

relink: ## rebuild against libraries of your own: make relink CAPNG_SRC=FILE or ALSA_SRC=FILE
	@[ -n "$(CAPNG_SRC)$(ALSA_SRC)" ] || \
		{ echo 'make: relink: CAPNG_SRC=FILE or ALSA_SRC=FILE is missing' >&2; exit 64; }
	$(if $(CAPNG_SRC),rm -rf $(BUILD)/deps/musl $(BUILD)/stremio-shim)
	$(if $(ALSA_SRC),rm -rf $(BUILD)/deps/alsa $(PROBE))
	$(MAKE) $(if $(CAPNG_SRC),$(BUILD)/stremio-shim) $(if $(ALSA_SRC),$(PROBE))

$(BUILD)/stremio-shim: $(SHIM_OBJ) $(BUILD)/deps/musl/lib/libcap-ng.a
	$(call say,LINK)
	$(Q)$(MUSL_CC) $(SHIM_LDFLAGS) -o $@.full $^
	$(Q)$(STRIP) --strip-all -R .comment -R .note.gnu.property -o $@ $@.full

$(BUILD)/obj/%.o: shim/%.c Makefile | $(BUILD)/deps/musl/lib/libcap-ng.a
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(MUSL_CC) $(SHIM_CFLAGS) -MMD -MP -c -o $@ $<

asan: $(BUILD)/asan/stremio-shim ## the shim's sources with glibc, AddressSanitizer and UBSan

$(BUILD)/asan/stremio-shim: $(ASAN_OBJ) tests/asan_options.c $(BUILD)/deps/host/lib/libcap-ng.a
	$(call say,LINK)
	$(Q)$(HOST_CC) $(ASAN_CFLAGS) -static-libasan -static-libubsan -o $@ $^
$(BUILD)/asan/obj/%.o: shim/%.c Makefile | $(BUILD)/deps/host/lib/libcap-ng.a
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(HOST_CC) $(ASAN_CFLAGS) -MMD -MP -c -o $@ $<

-include $(SHIM_OBJ:.o=.d) $(ASAN_OBJ:.o=.d)

# --- Running and testing -------------------------------------------------------------------

export BUILD SHIM

run: ## an application under the shim in a real Incus container (installs what it needs; root)
	@BUILD=$(abspath $(BUILD)) sh hooks/run.sh

# clang-tidy alone brings half a gigabyte: asked for by CI, else used when it is there.
CHECK_PACKAGES := build unit container incus busybox session image oci recipes run \
	$(if $(filter true,$(CI)),lint fuzz)
packages:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		BUILD=$(abspath $(BUILD)) sh hooks/lib/packages.sh $(CHECK_PACKAGES); fi

check: packages ## every tier but machine; closes with one line of counts
	@sh tests/run.sh all

unit container escape incus stack machine build-tier: all ## one tier of the tests
	@sh tests/run.sh $(@:build-tier=build)

host: all ## this tier, with the slow tests that check leaves out
	@HOST_TESTS=all sh tests/run.sh host

# What the linters must find beside the sources.
lint-headers: $(BUILD)/deps/host/lib/libcap-ng.a $(POLICY_GENERATED) $(POLICY_NUMBERS) \
		$(PROBE_ALSA) $(PROBE_FILTER)
.PHONY: lint-headers

lint: ## clang-format, clang-tidy, cppcheck, shellcheck
	@sh tests/run.sh lint

format: ## lay out the C files as .clang-format says
	clang-format -i $$(git ls-files -co --exclude-standard '*.c' '*.h')

bench: all $(BENCH_PROGRAMS) $(BENCHES) ## spawn-to-exit times and memory beside other inits, as tables
	@BENCHES='$(BENCHES)' sh tests/bench/run.sh

soak: all ## 200 starts and stops, 20 instances at once, of the devices' wiring (Incus; root)
	@HOOK_CYCLES=200 HOOK_INSTANCES=20 HOOK_RACES=500 BUILD=$(abspath $(BUILD)) sh tests/incus/run.sh \
		hook_leaks_nothing_in_many_starts hook_stays_below_dev_in_a_race

mutants: all ## remove each privilege step in turn: a test must turn red
	@sh tests/mutants.sh

.PHONY: fuzz-tools
fuzz-tools:
	@command -v $(FUZZ_CC) >/dev/null || \
		{ echo 'make: tools: missing (apt-get install clang)' >&2; exit 1; }
$(FUZZERS): | fuzz-tools

# What the fuzz tier runs; the others are the policy compiler's.
fuzz-programs: $(addprefix $(BUILD)/fuzz/,probe_records probe_messages shim_files hook_inputs)
.PHONY: fuzz-programs

fuzz: $(FUZZERS) ## run each fuzzer: make fuzz SECONDS=60
	@SECONDS_EACH=$(SECONDS) sh tests/fuzz/run.sh $(notdir $^)

# --- Installing ----------------------------------------------------------------------------

bindir := $(DESTDIR)$(prefix)/bin
sbindir := $(DESTDIR)$(prefix)/sbin
libdir := $(DESTDIR)$(prefix)/lib/stremio-shim
sharedir := $(DESTDIR)$(prefix)/share/stremio-shim
mandir := $(DESTDIR)$(prefix)/share/man
docdir := $(DESTDIR)$(prefix)/share/doc/stremio-shim
udevdir := $(DESTDIR)$(prefix)/lib/udev/rules.d
appdir := $(DESTDIR)$(prefix)/share/applications
icondir := $(DESTDIR)$(prefix)/share/icons/hicolor/scalable/apps

include hooks/host.mk

install: all ## install below $(DESTDIR)$(prefix)
	install -D -m 755 $(BUILD)/stremio-shim $(libdir)/guest/stremio-shim
	install -m 755 $(PROBE) $(libdir)/guest/
	install -m 755 $(HOOK) $(libdir)/
	install -d $(sbindir)
	ln -sf ../lib/stremio-shim/stremio-hook $(sbindir)/stremio-hook
	install -d $(udevdir)
	sed 's,@libdir@,$(prefix)/lib/stremio-shim,' hooks/60-stremio-shim.rules.in \
		> $(udevdir)/60-stremio-shim.rules
	chmod 644 $(udevdir)/60-stremio-shim.rules
	install -d $(bindir) $(sharedir) $(docdir)
	install -m 755 $(POLICY_TOOL) $(bindir)/
	install -d $(sharedir)/policy/groups
	install -m 644 shim/policy/*.policy $(sharedir)/policy/
	install -m 644 shim/policy/groups/* $(sharedir)/policy/groups/
	sed 's,/usr/local/lib/stremio-shim,$(prefix)/lib/stremio-shim,g' incus-profile.yaml \
		> $(sharedir)/incus-profile.yaml
	chmod 644 $(sharedir)/incus-profile.yaml
	install -D -m 644 shim/stremio-shim.8 $(mandir)/man8/stremio-shim.8
	install -m 644 hooks/stremio-hook.8 $(mandir)/man8/stremio-hook.8
	install -m 644 shim/probe/stremio-probe.8 $(mandir)/man8/stremio-probe.8
	install -D -m 644 shim/policy/stremio-policy.1 $(mandir)/man1/stremio-policy.1
	install -m 644 LICENSE $(docdir)/LICENSE
	install -m 644 $(BUILD)/deps/musl/COPYING.LIB $(docdir)/libcap-ng.COPYING.LIB
	install -m 644 $(BUILD)/deps/musl/source/* $(BUILD)/deps/alsa/source/* $(docdir)/
	install -m 644 $(BUILD)/deps/alsa/COPYING $(docdir)/alsa-lib.COPYING
	for p in libx11-dev libxcb1-dev libxau-dev libxdmcp-dev; do \
		[ ! -f /usr/share/doc/$$p/copyright ] || \
		install -m 644 /usr/share/doc/$$p/copyright $(docdir)/$$p.copyright; done
	if [ -f $(BUILD)/deps/musl/musl.copyright ]; then \
		install -m 644 $(BUILD)/deps/musl/musl.copyright $(docdir)/; fi

uninstall: ## remove what install put there
	rm -rf $(libdir) $(sharedir) $(docdir)
	rm -f $(udevdir)/60-stremio-shim.rules $(sbindir)/stremio-hook
	rm -f $(addprefix $(mandir)/man8/,stremio-shim.8 stremio-hook.8 stremio-probe.8) $(mandir)/man1/stremio-policy.1 \
		$(addprefix $(bindir)/,$(notdir $(POLICY_TOOL)))

clean: ## remove what was compiled (keeps what was fetched: sources, package lists, images)
	@if [ -d $(BUILD) ]; then find $(BUILD) -mindepth 1 -maxdepth 1 ! -name deps ! -name apt ! -name images ! -name stack -exec rm -rf {} +; fi

distclean: ## remove every build product
	rm -rf $(BUILD)
