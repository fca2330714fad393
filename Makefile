# Moonvisor's build. Non-recursive; everything that is made goes below build/.
#
#   make                  the programs: mvsh, moonvisor.so, moonvisor-vmm
#   make demo             boots a Debian kernel in our own machine from a Lua script
#   make check            all tests; check-quick: those that need no test host, in about a minute
#   make bench            the speed table; make lint: format, static analysis, include and link rules
#   make fuzz             fuzz targets, FUZZ_TIME seconds each
#   make install          into $(DESTDIR)$(PREFIX)
#
# SAN=address,undefined or SAN=thread builds with sanitizers, in a folder of its own. TESTS="name..." runs only the tests
# whose name contains one of the words. V=1 shows the commands. Sources are found by wildcard: a new file joins by itself.

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_TIME ?= 60
CC := gcc
CLANG := clang
LUA := lua5.4
LUAC_DIR = $(PREFIX)/lib/lua/5.4
LIBEXECDIR = $(PREFIX)/libexec/moonvisor

comma := ,
SAN ?=
B := build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' '$(1)' '$(patsubst $(CURDIR)/%,%,$@)')

# --- flags -----------------------------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wformat-security -Werror
# Structures in guest memory are reached through casts, so the compiler may not assume that types never alias.
HARDENING := -fstack-protector-strong -fstack-clash-protection -fcf-protection -fno-strict-aliasing
ifeq ($(SAN),)
HARDENING += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
else
SANFLAGS := -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
endif
# `-D_GNU_SOURCE=` is the same as a file's own `#define _GNU_SOURCE`, which therefore is no error.
DEFINES := -D_GNU_SOURCE= -DMV_VERSION='"$(VERSION)"' -DMV_LIBEXECDIR='"$(LIBEXECDIR)"'
INCLUDES := -iquote . -iquote $(B)/gen
LUA_INCLUDES := -isystem /usr/include/lua5.4
# Asked when they are needed, because `setup` may have to install what is asked.
XML_CFLAGS = $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libxml-2.0))
XML_LIBS = $(shell pkg-config --libs libxml-2.0)

CFLAGS ?= -O2 -g
MV_CPPFLAGS = $(INCLUDES) $(DEFINES)
MV_CFLAGS = -std=gnu11 -fPIC -pthread -ffunction-sections -fdata-sections $(CFLAGS) $(WARNINGS) $(HARDENING) $(SANFLAGS)
MV_LDFLAGS = -pthread -Wl,-z,relro,-z,now,-z,noexecstack,--gc-sections,--as-needed $(LDFLAGS) $(SANFLAGS)

# --- sources ---------------------------------------------------------------------------------------------------------

BASE_SRC := $(wildcard engine/base/*.c engine/kvm/common/*.c)
VMM_SRC := $(wildcard engine/image/*.c engine/kvm/vmm/*.c engine/kvm/x86/*.c engine/kvm/dev/*.c engine/kvm/virtio/*.c)
VMM_MAIN := $(wildcard engine/kvm/vmm/main.c)
ENGINE_SRC := $(wildcard engine/kvm/*.c engine/test/*.c engine/api/*.c engine/conf/*.c engine/state/*.c engine/domain/*.c)
BINDINGS_SRC := $(wildcard bindings/*.c)
SHELL_SRC := $(wildcard shell/*.c)
STDLIB := $(sort $(shell find stdlib -name '*.lua' 2>/dev/null) $(wildcard bindings/spec.lua bindings/spec/*.lua))
SECCOMP_SRC := $(wildcard engine/kvm/seccomp/*.c)
SECCOMP_GEN := $(if $(SECCOMP_SRC),$(B)/gen/seccomp_filters.h)

# C of the descriptions of configuration objects: a header and a source for each file of engine/conf/schema.
CONF_SCHEMA := $(sort $(wildcard engine/conf/schema/*.lua))
CONF_CHECKS := $(wildcard engine/conf/*.c)
CONF_GEN_H := $(CONF_SCHEMA:engine/conf/schema/%.lua=$(B)/gen/conf/%_def.h)
CONF_GEN_SRC := $(CONF_SCHEMA:engine/conf/schema/%.lua=$(B)/gen/conf/%_def.c) $(B)/gen/conf/kinds.c
CONF_OBJ := $(CONF_GEN_SRC:$(B)/gen/conf/%.c=$(B)/obj/gen/conf/%.o)

# Files beside the tests that are no test themselves are helpers, linked into each of them.
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_HELPERS := $(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c tests/harness/*.c))
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_HELPERS := $(filter-out $(FUZZ_SRC),$(wildcard tests/fuzz/*.c))
GUEST_SRC := $(wildcard tests/guest/*.S)
GUEST_C_SRC := $(wildcard tests/guest/*.c)
GUEST_LIB_C := $(wildcard tests/guest/lib/*.c)
GUEST_LIB_SRC := $(GUEST_LIB_C) $(wildcard tests/guest/lib/*.S)
TOOL_SRC := $(wildcard tests/hosts/*.c)
BENCH_SRC := $(wildcard tests/bench/*.c)

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))

UNIT_BIN := $(UNIT_SRC:%.c=$(B)/%)
FUZZ_BIN := $(FUZZ_SRC:%.c=$(B)/%)
REPLAY_BIN := $(FUZZ_SRC:tests/fuzz/%.c=$(B)/tests/replay/%)
GUEST_ELF := $(GUEST_SRC:%.S=$(B)/%.elf) $(GUEST_C_SRC:%.c=$(B)/%.elf)
TOOL_BIN := $(TOOL_SRC:tests/hosts/%.c=$(B)/tests/%)
BENCH_BIN := $(BENCH_SRC:%.c=$(B)/%)

# What can be made of the sources that are there.
PROGRAMS := $(if $(VMM_MAIN),$(B)/moonvisor-vmm) $(if $(BINDINGS_SRC),$(B)/moonvisor.so)
PROGRAMS += $(if $(SHELL_SRC),$(B)/mvsh)
TEST_PROGRAMS := $(UNIT_BIN) $(REPLAY_BIN) $(GUEST_ELF) $(TOOL_BIN)

C_SRC := $(BASE_SRC) $(VMM_SRC) $(ENGINE_SRC) $(BINDINGS_SRC) $(SHELL_SRC) $(SECCOMP_SRC) $(UNIT_SRC) $(UNIT_HELPERS)
C_SRC += $(TOOL_SRC) $(BENCH_SRC) $(FUZZ_SRC) $(FUZZ_HELPERS) tests/replay/main.c
OBJ := $(call obj,$(C_SRC))

# --- set-up and bookkeeping ------------------------------------------------------------------------------------------

# These goals install what they need; for all others (`all` above all) building never touches the system.
SETUP_demo := build host
SETUP_check := build test host
SETUP_check-quick := build test
SETUP_bench := build test host bench
SETUP_lint := build test lint
SETUP_fuzz := build fuzz
SETUP_GROUPS := $(sort $(foreach goal,$(MAKECMDGOALS),$(SETUP_$(goal))))

.PHONY: setup
setup:
	@scripts/setup.sh $(if $(SETUP_GROUPS),$(SETUP_GROUPS),--check build || true)

# Two files remember the flags and the list of sources of the last build: whatever depends on them is made again when the
# flags change, or when a file is added or removed. They are compared here, so that an unchanged tree does nothing.
ifneq ($(filter-out clean distclean,$(or $(MAKECMDGOALS),all)),)
remember = $(if $(subst x$(file <$(B)/$(1))x,,x$(2)x),$(file >$(B)/$(1),$(2)))
$(shell mkdir -p $(B)/gen)
$(call remember,flags,$(CC) $(MV_CPPFLAGS) $(MV_CFLAGS) $(MV_LDFLAGS))
$(call remember,sources,$(C_SRC) $(STDLIB) $(CONF_SCHEMA))
endif
$(B)/flags $(B)/sources: ;

# --- compiling -------------------------------------------------------------------------------------------------------

compile = $(Q)mkdir -p $(@D) && $(CC) $(MV_CPPFLAGS) $(MV_CFLAGS) -MMD -MP -c -o $@ $<
archive = $(Q)rm -f $@ && ar rcs $@ $(filter %.o,$^)
link = $(Q)mkdir -p $(@D) && $(CC) $(MV_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group

$(OBJ): $(B)/flags | setup
$(B)/obj/bindings/%.o $(B)/obj/shell/%.o: MV_CPPFLAGS += $(LUA_INCLUDES)
$(B)/obj/%.o: %.c
	$(call say,CC)
	$(compile)

$(B)/obj/engine/conf/%.o: MV_CPPFLAGS += $(XML_CFLAGS)
$(B)/obj/tests/unit/test_conf_xml_memory.o: MV_CPPFLAGS += $(XML_CFLAGS)

$(call obj,$(VMM_SRC)): | $(SECCOMP_GEN)

# One run makes all; what does not change keeps its time, so that a new field in one kind compiles no other again.
$(B)/gen/conf/stamp: engine/conf/gen.lua $(wildcard engine/conf/gen/*.lua) $(CONF_SCHEMA) $(CONF_CHECKS) $(B)/sources | setup
	$(call say,GEN)
	$(Q)mkdir -p $(@D) && $(LUA) engine/conf/gen.lua $(@D) $(CONF_SCHEMA) $(CONF_CHECKS) && touch $@
$(CONF_GEN_H) $(CONF_GEN_SRC): $(B)/gen/conf/stamp ;
$(CONF_OBJ): $(B)/obj/gen/conf/%.o: $(B)/gen/conf/%.c $(B)/flags
	$(call say,CC)
	$(compile)
$(CONF_OBJ) $(filter-out $(call obj,$(BASE_SRC) $(VMM_SRC) $(SECCOMP_SRC)),$(OBJ)): | $(CONF_GEN_H)


# The seccomp filters are compiled here, on the build machine, so that the machine process needs no libseccomp.
# Sanitizers make system calls of their own, which the generator allows when MV_SANITIZED is defined.
$(B)/obj/engine/kvm/seccomp/%.o: MV_CPPFLAGS += $(if $(SAN),-DMV_SANITIZED=1)
$(B)/gen/seccomp-gen: $(call obj,$(SECCOMP_SRC)) $(B)/libbase.a $(B)/sources
	$(call say,LINK)
	$(link) -pie -lseccomp
$(B)/gen/seccomp_filters.h: $(B)/gen/seccomp-gen
	$(call say,GEN)
	$(Q)ASAN_OPTIONS=detect_leaks=0 $< > $@.new && mv $@.new $@

# The calls: structures, descriptions and the drivers' table, of one table in Lua. Everything may include calls.h.
CALLS_GEN := $(B)/gen/calls.h
$(B)/gen/calls.h $(B)/gen/calls.c &: engine/api/gen.lua engine/api/calls.lua | setup
	$(call say,GEN)
	$(Q)$(LUA) engine/api/gen.lua engine/api/calls.lua $(B)/gen/calls.h $(B)/gen/calls.c
# libvirt's numbers, for C from the same table as for Lua.
FLAGS_GEN := $(B)/gen/flags.h
$(FLAGS_GEN): engine/api/gen_flags.lua stdlib/flags.lua | setup
	$(call say,GEN)
	$(Q)$(LUA) engine/api/gen_flags.lua stdlib/flags.lua $@
$(B)/obj/gen/calls.o: $(B)/gen/calls.c $(B)/flags
	$(call say,CC)
	$(compile)
$(OBJ): | $(CALLS_GEN) $(FLAGS_GEN)

$(B)/gen/stdlib.c: bindings/embed.lua $(STDLIB) $(B)/sources | setup
	$(call say,GEN)
	$(Q)$(LUA) bindings/embed.lua $@ stdlib,bindings $(STDLIB)
$(B)/obj/gen/stdlib.o: $(B)/gen/stdlib.c bindings/embedded.h $(B)/flags
	$(call say,CC)
	$(compile)

# --- libraries and programs ------------------------------------------------------------------------------------------

# engine/base and engine/kvm/common are in a library of their own, because both the machine and the engine have them.
$(B)/libbase.a: $(call obj,$(BASE_SRC))
$(B)/libvmm.a: $(call obj,$(filter-out $(VMM_MAIN),$(VMM_SRC)))
$(B)/libmoonvisor.a: $(call obj,$(ENGINE_SRC)) $(CONF_OBJ) $(B)/obj/gen/calls.o
$(B)/libtest.a: $(call obj,$(UNIT_HELPERS))
$(B)/libbase.a $(B)/libvmm.a $(B)/libmoonvisor.a $(B)/libtest.a: $(B)/sources
	$(call say,AR)
	$(archive)

VMM_LIBS := -luring -lzstd
ENGINE_LIBS = -ljansson -lzstd -llzma -lz $(XML_LIBS)

# Static: no dynamic linker to run, no library to map, and nothing to find in a process without a file system. With
# sanitizers it is dynamic, as they demand.
$(B)/moonvisor-vmm: $(call obj,$(VMM_MAIN)) $(B)/libvmm.a $(B)/libbase.a
	$(call say,LINK)
	$(link) $(if $(SAN),$(VMM_LIBS),-static-pie $(VMM_LIBS))

# A stock Lua loads this module and brings liblua's symbols itself.
$(B)/moonvisor.so: $(call obj,$(BINDINGS_SRC)) $(B)/obj/gen/stdlib.o $(B)/libmoonvisor.a $(B)/libbase.a
	$(call say,LINK)
	$(Q)printf '{ global: luaopen_moonvisor; local: *; };\n' > $(B)/gen/moonvisor.map
	$(link) -shared -Wl,-Bsymbolic,--version-script=$(B)/gen/moonvisor.map $(ENGINE_LIBS)

# -E: Lua modules written in C find liblua's symbols in the program, as they do in a stock lua5.4.
$(B)/mvsh: $(call obj,$(SHELL_SRC) $(BINDINGS_SRC)) $(B)/obj/gen/stdlib.o $(B)/libmoonvisor.a $(B)/libbase.a
	$(call say,LINK)
	$(link) -pie -Wl,-E $(ENGINE_LIBS) -llua5.4 -lreadline
	$(Q)ln -sf mvsh $(B)/virsh # under this name it is virsh

.PHONY: all
# The API's description as a manual page and as annotations for editors.
MANUAL := $(B)/moonvisor.3lua $(B)/moonvisor.types.lua
$(B)/moonvisor.3lua: FORM := man
$(B)/moonvisor.types.lua: FORM := luals
$(MANUAL): bindings/manual.lua engine/api/calls.lua $(wildcard bindings/spec.lua bindings/spec/*.lua) | setup
	$(call say,GEN)
	$(Q)$(LUA) bindings/manual.lua $(FORM) > $@.new && mv $@.new $@

all: setup $(PROGRAMS) $(MANUAL)

# --- tests -----------------------------------------------------------------------------------------------------------

$(B)/tests/unit/%: $(B)/obj/tests/unit/%.o $(B)/libtest.a $(B)/libvmm.a $(B)/libmoonvisor.a $(B)/libbase.a
	$(call say,LINK)
	$(link) -pie $(VMM_LIBS) $(ENGINE_LIBS) -lcmocka

# Fuzz targets run on their corpus without libFuzzer, with the compiler and the sanitizers of all the rest.
$(B)/tests/replay/%: $(B)/obj/tests/fuzz/%.o $(B)/obj/tests/replay/main.o $(call obj,$(FUZZ_HELPERS)) \
		$(B)/libvmm.a $(B)/libmoonvisor.a $(B)/libbase.a
	$(call say,LINK)
	$(link) -pie $(VMM_LIBS) $(ENGINE_LIBS)

# The tests that have Lua in them.
LUA_TESTS := test_bindings test_raw
$(LUA_TESTS:%=$(B)/obj/tests/unit/%.o): MV_CPPFLAGS += $(LUA_INCLUDES)
$(LUA_TESTS:%=$(B)/tests/unit/%): $(call obj,$(BINDINGS_SRC)) $(B)/obj/gen/stdlib.o
$(LUA_TESTS:%=$(B)/tests/unit/%): ENGINE_LIBS += -llua5.4

# This one lets memory run out in the middle of the engine.
$(B)/tests/unit/test_calls: MV_LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=strdup

# Tools that also run where there is no library: in a test host's or a guest's initramfs.
$(B)/tests/%: $(B)/obj/tests/hosts/%.o
	$(call say,LINK)
	$(link) $(if $(SAN),-pie,-static-pie)

$(B)/tests/bench/%: $(B)/obj/tests/bench/%.o $(B)/libmoonvisor.a $(B)/libbase.a
	$(call say,LINK)
	$(link) -pie $(ENGINE_LIBS)

# Tiny guests, linked as ELF files that boot by PVH: a few hundred bytes of assembly each, or freestanding C with the
# library in tests/guest/lib. A guest has no sanitizer and nothing of the host's C library.
GUEST_CFLAGS := -std=gnu11 -Os -g0 -m64 -ffreestanding -fno-pic -fno-pie -mno-red-zone -mgeneral-regs-only \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none -fno-strict-aliasing \
	-ffunction-sections -fdata-sections -fno-tree-loop-distribute-patterns $(WARNINGS)
GUEST_LIB_OBJ := $(patsubst %,$(B)/obj/%.o,$(basename $(GUEST_LIB_SRC)))
guest_ld = $(Q)mkdir -p $(@D) && ld -m elf_x86_64 -nostdlib -static --build-id=none -z max-page-size=4096 \
	-z noexecstack --gc-sections --no-warn-rwx-segments -T tests/guest/guest.lds -o $@ $(filter %.o,$^)

$(patsubst %.S,$(B)/obj/%.o,$(GUEST_SRC) $(filter %.S,$(GUEST_LIB_SRC))): $(B)/obj/%.o: %.S $(B)/flags | setup
	$(call say,AS)
	$(Q)mkdir -p $(@D) && $(CC) -iquote . -I tests/guest -Wa,--noexecstack -MMD -MP -c -o $@ $<
$(patsubst %.c,$(B)/obj/%.o,$(GUEST_C_SRC) $(GUEST_LIB_C)): $(B)/obj/%.o: %.c $(B)/flags Makefile | setup
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) -iquote . $(GUEST_CFLAGS) -MMD -MP -c -o $@ $<
$(GUEST_C_SRC:%.c=$(B)/%.elf): $(GUEST_LIB_OBJ)
$(B)/tests/guest/%.elf: $(B)/obj/tests/guest/%.o tests/guest/guest.lds
	$(call say,LD)
	$(guest_ld)

.PHONY: tests check check-quick bench demo
tests: all $(TEST_PROGRAMS)

check: tests
	@MV_BUILD=$(B) tests/run.sh $(TESTS)
check-quick: tests
	@MV_BUILD=$(B) tests/run.sh --quick $(TESTS)
bench: tests $(BENCH_BIN)
	@MV_BUILD=$(B) tests/bench/run.sh
demo: all $(B)/tests/kvmspeed $(B)/tests/kvmhold
	@MV_BUILD=$(B) tests/hosts/demo.sh

# --- fuzzing ---------------------------------------------------------------------------------------------------------

# All code under a fuzz target is compiled again, by clang, with its coverage counters.
FUZZ_FLAGS = -std=gnu11 -O1 -g -pthread -fno-strict-aliasing -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_OBJ := $(patsubst %.c,$(B)/obj/fuzz/%.o,$(filter-out $(VMM_MAIN),$(BASE_SRC) $(VMM_SRC) $(ENGINE_SRC)) $(FUZZ_HELPERS))
$(FUZZ_OBJ) $(FUZZ_SRC:%.c=$(B)/obj/fuzz/%.o): $(B)/obj/fuzz/%.o: %.c $(B)/flags | setup $(SECCOMP_GEN) $(CALLS_GEN)
	$(call say,CLANG)
	$(Q)mkdir -p $(@D) && $(CLANG) $(MV_CPPFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<
$(B)/obj/fuzz/gen/calls.o: $(B)/gen/calls.c $(B)/flags
	$(call say,CLANG)
	$(Q)mkdir -p $(@D) && $(CLANG) $(MV_CPPFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<
FUZZ_CONF_OBJ := $(CONF_OBJ:$(B)/obj/%=$(B)/obj/fuzz/%)
$(B)/obj/fuzz/engine/conf/%.o: MV_CPPFLAGS += $(XML_CFLAGS)
$(FUZZ_OBJ) $(FUZZ_SRC:%.c=$(B)/obj/fuzz/%.o): | $(CONF_GEN_H)
$(FUZZ_CONF_OBJ): $(B)/obj/fuzz/gen/conf/%.o: $(B)/gen/conf/%.c $(B)/flags
	$(call say,CLANG)
	$(Q)mkdir -p $(@D) && $(CLANG) $(MV_CPPFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<
$(B)/obj/fuzz/libfuzzed.a: $(FUZZ_OBJ) $(FUZZ_CONF_OBJ) $(B)/obj/fuzz/gen/calls.o $(B)/sources
	$(call say,AR)
	$(archive)
$(B)/tests/fuzz/%: $(B)/obj/fuzz/tests/fuzz/%.o $(B)/obj/fuzz/libfuzzed.a
	$(call say,LINK)
	$(Q)mkdir -p $(@D) && $(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ $(VMM_LIBS) $(ENGINE_LIBS)

# The corpus in the tree is only read; what a run finds is kept below build/, crashes in build/fuzz/NAME.crash-*.
.PHONY: fuzz $(FUZZ_SRC:tests/fuzz/%.c=fuzz-run-%)
fuzz: $(FUZZ_SRC:tests/fuzz/%.c=fuzz-run-%)
	@echo "fuzz: $(words $^) targets, $(FUZZ_TIME) s each, no failure"
$(FUZZ_SRC:tests/fuzz/%.c=fuzz-run-%): fuzz-run-%: $(B)/tests/fuzz/%
	$(call say,FUZZ)
	$(Q)mkdir -p $(B)/fuzz/corpus/$* && $< -max_total_time=$(FUZZ_TIME) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix=$(B)/fuzz/$*.crash- $(B)/fuzz/corpus/$* $(wildcard tests/fuzz/corpus/$*) \
		>$(B)/fuzz/$*.log 2>&1 || { tail -40 $(B)/fuzz/$*.log; echo "FAIL fuzz/$*"; exit 1; }

# --- lint ------------------------------------------------------------------------------------------------------------

LINT_C := $(C_SRC)
LINT_FORMAT := $(GUEST_C_SRC) $(GUEST_LIB_C) # guests are not C for this machine: only their shape is looked at
LINT_H := $(sort $(shell find engine bindings shell tests -name '*.h' 2>/dev/null))
LINT_LUA := $(sort $(shell find engine bindings stdlib scripts tests shell -name '*.lua' 2>/dev/null))

.PHONY: lint lint-format lint-tidy lint-headers lint-cppcheck lint-lua lint-includes lint-link lint-self format
lint: lint-format lint-headers lint-lua lint-includes lint-link lint-self lint-cppcheck lint-tidy
	@echo "lint: no findings"

lint-format: | setup
	$(call say,LINT)
	$(Q)for file in $(LINT_C) $(LINT_FORMAT) $(LINT_H); do \
		clang-format "$$file" | cmp -s - "$$file" || { echo "$$file: not formatted (make format)"; bad=1; }; \
	done; [ -z "$$bad" ] 
format:
	clang-format -i $(LINT_C) $(LINT_FORMAT) $(LINT_H)

# One stamp a file, so that the files are looked at in parallel and only when they, or a header, changed.
lint-tidy: $(LINT_C:%=$(B)/lint/%.tidy)
$(B)/lint/%.tidy: % .clang-tidy $(LINT_H) | setup $(SECCOMP_GEN) $(CONF_GEN_H) $(CALLS_GEN)
	$(call say,TIDY)
	$(Q)mkdir -p $(@D) && clang-tidy --quiet $< -- -std=gnu11 $(MV_CPPFLAGS) $(LUA_INCLUDES) $(XML_CFLAGS) 2>$@.log >$@.out || \
		{ cat $@.out; grep -E 'error:' $@.log; exit 1; }
	$(Q)touch $@

# A header compiles alone.
lint-headers: $(LINT_H:%=$(B)/lint/%.alone)
$(B)/lint/%.alone: % $(LINT_H) | setup $(CONF_GEN_H) $(CALLS_GEN)
	$(Q)mkdir -p $(@D) && $(CC) -fsyntax-only -x c $(MV_CPPFLAGS) $(LUA_INCLUDES) $(XML_CFLAGS) -std=gnu11 $(WARNINGS) -Wno-unused $< && touch $@

# The C library's functions are known to cppcheck; missingInclude would be about system headers, which it does not read.
lint-cppcheck: | setup $(SECCOMP_GEN) $(CONF_GEN_H) $(CALLS_GEN)
	$(call say,LINT)
	$(Q)cppcheck --quiet --std=c11 --language=c --library=posix --library=gnu -j2 \
		--enable=warning,performance,portability --inline-suppr --suppressions-list=tests/lint/cppcheck.txt \
		--error-exitcode=1 -I . -I $(B)/gen $(DEFINES) $(LINT_C)

lint-lua: | setup
	$(call say,LINT)
	$(Q)luacheck --quiet --no-color $(LINT_LUA)

lint-includes: | setup
	$(call say,LINT)
	$(Q)$(LUA) tests/lint/includes.lua $(LINT_C) $(LINT_H)

lint-link: $(PROGRAMS)
	$(call say,LINT)
	$(Q)tests/lint/linkcheck.sh $(PROGRAMS)

# The tools that judge are judged too: each must find what it is there to find.
lint-self: | setup
	$(call say,LINT)
	$(Q)tests/lint/selftest.sh

# --- install, clean --------------------------------------------------------------------------------------------------

.PHONY: install clean distclean
install: $(PROGRAMS) $(MANUAL)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(LUAC_DIR) \
		$(DESTDIR)$(PREFIX)/share/moonvisor/scripts $(DESTDIR)$(PREFIX)/share/doc/moonvisor
	$(if $(filter %/mvsh,$(PROGRAMS)),install -m 755 $(B)/mvsh $(DESTDIR)$(PREFIX)/bin/)
	$(if $(filter %/mvsh,$(PROGRAMS)),ln -sf $(PREFIX)/bin/mvsh $(DESTDIR)$(LIBEXECDIR)/virsh)
	$(if $(filter %/moonvisor-vmm,$(PROGRAMS)),install -m 755 $(B)/moonvisor-vmm $(DESTDIR)$(LIBEXECDIR)/)
	$(if $(filter %/moonvisor.so,$(PROGRAMS)),install -m 644 $(B)/moonvisor.so $(DESTDIR)$(LUAC_DIR)/)
	$(if $(wildcard scripts/*.lua),install -m 755 $(wildcard scripts/*.lua) $(DESTDIR)$(PREFIX)/share/moonvisor/scripts/)
	install -m 644 README.md LICENSE $(DESTDIR)$(PREFIX)/share/doc/moonvisor/
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 docs/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -d $(DESTDIR)$(PREFIX)/share/man/man3
	install -m 644 $(B)/moonvisor.3lua $(DESTDIR)$(PREFIX)/share/man/man3/
	install -m 644 $(B)/moonvisor.types.lua $(DESTDIR)$(PREFIX)/share/moonvisor/
	install -m 644 docs/*.md $(DESTDIR)$(PREFIX)/share/doc/moonvisor/

# The test hosts' downloads survive `clean`, nothing survives `distclean`.
clean:
	@mkdir -p build && find build -mindepth 1 -maxdepth 1 ! -name hosts -exec rm -rf {} +
distclean:
	rm -rf build

-include $(OBJ:.o=.d) $(GUEST_SRC:%.S=$(B)/obj/%.d) $(GUEST_C_SRC:%.c=$(B)/obj/%.d) $(GUEST_LIB_OBJ:.o=.d) $(B)/obj/gen/stdlib.d $(B)/obj/gen/calls.d
-include $(CONF_OBJ:.o=.d) $(FUZZ_CONF_OBJ:.o=.d)
-include $(FUZZ_OBJ:.o=.d) $(FUZZ_SRC:%.c=$(B)/obj/fuzz/%.d)
