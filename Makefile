# SPDX-License-Identifier: Apache-2.0
#
# RustBox in C: the only Makefile, run from the top of the tree.
#
#   base/ oci/ proto/ runtime/ shim/
#                          libraries: <folder>/*.c without *_test.c and *_fuzz.c
#   proto/x.proto          protoc-c makes build/generated/proto/x.pb-c.[ch], part of proto/'s library
#   cmd/<program>/*.c      programs; folders in there are libraries, too
#   cmd/librustbox-runtime a library that is installed, with its header
#   <folder>/x_test.c      a unit test (cmocka), one executable each
#   <folder>/x_fuzz.c      a fuzz target (libFuzzer), corpus in integration/fuzz/x/
#
# Everything goes to build/<variant>/:
#
#   release   static-PIE, optimised, hardened: what is installed
#   debug     ASan and UBSan, -Werror: unit tests
#   plain     the same without sanitizers: unit tests under valgrind
#   coverage  the same with gcov's counters
#   fuzz      clang with libFuzzer, ASan and UBSan
#   pic       release, for what becomes part of other people's programs
#   lint-gcc, lint-clang   objects only (clang's are empty), release flags with -Werror
#
# One file at a time:  make build/debug/base/error_test && build/debug/base/error_test

VERSION := 0.1.0
# A release tarball has no git: git archive has written the commit into a file.
COMMIT  := $(shell git --git-dir=.git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null || \
	grep -oE '^[0-9a-f]{12}' .git_archival.txt)

PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
# Where programs look, from their own folder: they do not depend on PREFIX.
LIBEXECDIR  = $(dir $(BINDIR))libexec/rustbox
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR     ?= $(PREFIX)/share/man
UNITDIR    ?= $(PREFIX)/lib/systemd/system
BASH_COMPLETIONS ?= $(PREFIX)/share/bash-completion/completions
ZSH_COMPLETIONS  ?= $(PREFIX)/share/zsh/site-functions
FISH_COMPLETIONS ?= $(PREFIX)/share/fish/vendor_completions.d
INSTALL    ?= install
STRIP      ?= strip
PKG_CONFIG ?= pkg-config
OBJCOPY    ?= objcopy
CLANG      ?= clang
CLANG_TIDY ?= clang-tidy
JOBS       ?= $(shell nproc)
# Seconds that `make fuzz` gives to each target.
FUZZ_SECONDS ?= 60

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SECONDARY:

##@ What is built from what

PROGRAMS := $(patsubst cmd/%/main.c,%,$(wildcard cmd/*/main.c))
RUSTBOX  := $(addprefix cmd/rustbox/,command api container supervisor bundle network image \
	log stream format store)
FOLDERS  := base oci proto runtime shim cmd/librustbox-runtime $(RUSTBOX)

# The folders that each folder's tests, and each program, are linked with: the
# layers of docs/architecture.md, the upper ones first, as the linker wants them.
LAYERS_base                := base
LAYERS_oci                 := oci base
LAYERS_proto               := proto base
LAYERS_runtime             := runtime oci proto base
LAYERS_shim                := shim runtime proto oci base
LAYERS_cmd/rustbox-runtime := runtime oci proto base
LAYERS_cmd/containerd-shim-rustbox-v1 := shim runtime proto oci base
LAYERS_cmd/rustbox-init    :=
LAYERS_cmd/librustbox-runtime := cmd/librustbox-runtime base
LAYERS_cmd/rustbox-systemd := runtime oci base
LAYERS_cmd/rustbox-seccomp := base
LAYERS_cmd/rustbox         := $(RUSTBOX) shim runtime proto oci base
rustbox_layers              = $(patsubst %,cmd/rustbox/%,$(1))
LAYERS_cmd/rustbox/store   := $(call rustbox_layers,store) oci base
LAYERS_cmd/rustbox/format  := $(call rustbox_layers,format) oci base
LAYERS_cmd/rustbox/stream  := $(call rustbox_layers,stream) oci base
LAYERS_cmd/rustbox/log     := $(call rustbox_layers,log) base
LAYERS_cmd/rustbox/image   := $(call rustbox_layers,image store) oci base
LAYERS_cmd/rustbox/network := $(call rustbox_layers,network format store) oci base
LAYERS_cmd/rustbox/bundle  := $(call rustbox_layers,bundle network image format store) runtime oci base
LAYERS_cmd/rustbox/supervisor := $(call rustbox_layers,supervisor bundle network image log stream \
	format store) shim runtime proto oci base
LAYERS_cmd/rustbox/container := $(filter-out %/command %/api,$(LAYERS_cmd/rustbox))
LAYERS_cmd/rustbox/api     := $(filter-out %/command,$(LAYERS_cmd/rustbox))
LAYERS_cmd/rustbox/command := $(LAYERS_cmd/rustbox)

sources = $(filter-out %_test.c %_fuzz.c,$(wildcard $(1)/*.c))
CODE    := $(FOLDERS) $(addprefix cmd/,$(PROGRAMS))
SOURCES := $(foreach d,$(CODE),$(call sources,$(d)))
TESTS   := $(wildcard $(CODE:%=%/*_test.c))
FUZZERS := $(wildcard $(CODE:%=%/*_fuzz.c))
PROTOS  := $(wildcard proto/*.proto)
PROTO_HEADERS := $(PROTOS:%.proto=build/generated/%.pb-c.h)
# What protoc-c writes is not held to our warnings.
GENERATED := $(PROTOS:%.proto=%.pb-c)
# The folders whose code may include them; the initialisers there cast const away.
USES_PROTO := proto/% shim/% runtime/criu% cmd/containerd-shim-rustbox-v1/% cmd/rustbox/%
# Tools of the integration tests: the folders there that hold C files, each a program.
TOOLS   := $(patsubst %/,%,$(sort $(dir $(wildcard integration/*/*.c))))
LAYERS_integration/bare_run := base
LAYERS_integration/instructions := proto oci base
LAYERS_integration/null_shim := proto base
# These write their man page and completions from their own tables; man/ has other pages.
SPEAKING    := rustbox rustbox-runtime
MANPAGES    := $(SPEAKING:%=build/release/%.8) $(wildcard man/*.8)
COMPLETIONS := $(foreach s,bash zsh fish,$(SPEAKING:%=build/release/%.$(s)))
LIBRARY := build/release/librustbox-runtime.a build/release/rustbox-runtime.pc
UNITS   := $(wildcard config/*.service config/*.socket)

##@ Flags

# pkg-config is asked when something is linked, not before: `make quickstart`
# and `make test` install it first.
PACKAGES    := libseccomp libcap yajl libprotobuf-c libmd
LIBS         = $(shell $(PKG_CONFIG) --libs $(PACKAGES))
# Debian's archive of yajl has a name of its own, which its .pc file does not know.
yajl_archive = $(if $(wildcard $(shell $(CC) -print-file-name=libyajl_s.a)),-lyajl_s,-lyajl)
STATIC_LIBS  = $(patsubst -lyajl,$(yajl_archive),$(shell $(PKG_CONFIG) --static --libs $(PACKAGES)))

CPPFLAGS_ALL = -D_GNU_SOURCE -I. -isystem build/generated $(CPPFLAGS)

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wformat=2 -Wundef -Wpointer-arith -Wvla -Wcast-qual \
	-Wwrite-strings -Wimplicit-fallthrough -Wno-unused-parameter -Wno-missing-field-initializers

comma := ,
# Control-flow protection is a different option on each architecture.
MACHINE   := $(shell $(CC) -dumpmachine 2>/dev/null)
HARDENING := -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 \
	-fstack-clash-protection \
	$(if $(filter x86_64-%,$(MACHINE)),-fcf-protection) \
	$(if $(filter aarch64-%,$(MACHINE)),-mbranch-protection=standard)
SANITIZE  := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

# Paths in debug information and messages do not depend on where the tree lies.
COMMON := -std=gnu17 $(WARNINGS) -ffile-prefix-map=$(CURDIR)=. -g
OPTIMISED := -O2 -fPIE -ffunction-sections -fdata-sections $(HARDENING)

# An empty value lets a newer compiler's new warnings pass: make test WERROR=
WERROR ?= -Werror

CFLAGS_release    := $(COMMON) $(OPTIMISED)
CFLAGS_pic        := $(COMMON) $(OPTIMISED:-fPIE=-fPIC)
CFLAGS_debug      := $(COMMON) -O1 $(SANITIZE) $(WERROR)
CFLAGS_plain      := $(COMMON) -O1 $(WERROR)
CFLAGS_coverage   := $(COMMON) -O0 --coverage $(WERROR)
CFLAGS_fuzz       := $(COMMON) -O1 -fsanitize=fuzzer-no-link $(SANITIZE) $(WERROR)
CFLAGS_lint-gcc   := $(COMMON) $(OPTIMISED) -Werror
# What clang has to say it says before it makes code, so it makes none.
CFLAGS_lint-clang := $(COMMON) $(OPTIMISED) -Werror -fsyntax-only

# Relocations take a sixtieth of the room, which is read at each start.
PACKED := $(if $(filter x86_64-%,$(MACHINE)),-Wl$(comma)-z$(comma)pack-relative-relocs)
LDFLAGS_release  := -static-pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed -Wl,--gc-sections $(PACKED)
LDFLAGS_debug    := $(SANITIZE)
LDFLAGS_coverage := --coverage
LDFLAGS_fuzz     := -fsanitize=fuzzer $(SANITIZE)

CC_fuzz       = $(CLANG)
CC_lint-gcc   = gcc
CC_lint-clang = $(CLANG)

LIBS_release = $(STATIC_LIBS)
# libarchive's .pc file names all that it could use; we register tar, gzip and zstd.
LIBS_rustbox := -larchive -lzstd -lz
LIBS_rustbox-systemd := -lsystemd
# There is no libsystemd.a, and plugins are shared objects: each has a helper of its
# own, which others execute.
HELPERS := rustbox-systemd rustbox-seccomp
$(HELPERS:%=build/release/%): private LDFLAGS_release := $(LDFLAGS_release:-static-pie=-pie)
# It begins before the C library, where that is written for the machine.
build/release/rustbox-runtime: private LDFLAGS_release := $(LDFLAGS_release) \
	-Wl,-T,cmd/rustbox-runtime/layout.ld $(if $(filter x86_64-%,$(MACHINE)),-e rustbox_runtime_entry)
build/release/rustbox-runtime: cmd/rustbox-runtime/layout.ld

# Only these files know the version, so that a commit recompiles nothing else.
VERSION_FLAGS  := -DRUSTBOX_VERSION='"$(VERSION)"' -DRUSTBOX_COMMIT='"$(COMMIT)"'
VERSIONED      := $(shell grep -lE 'RUSTBOX_(VERSION|COMMIT)' $(SOURCES) $(TESTS))

##@ Rules, once for each variant

# Short lines unless V=1.
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $@; )
quiet = $(if $(V),,@)

VARIANTS := release pic debug plain coverage fuzz lint-gcc lint-clang

# A file that changes when its text does: what depends on it is made anew then.
define stamp # file, text
$(1): FORCE
	@mkdir -p $$(@D)
	@printf '%s\n' $$(call quote,$(2)) | cmp -s - $$@ || printf '%s\n' $$(call quote,$(2)) >$$@
endef
quote = '$(subst ','\'',$(1))'

define variant_rules # variant
CC_$(1) ?= $$(CC)
LIBS_$(1) ?= $$(LIBS)

$(call stamp,build/$(1)/flags,$$(CC_$(1)) $$(CPPFLAGS_ALL) $$(CFLAGS_$(1)) $$(CFLAGS) $$(LDFLAGS_$(1)) $$(LDFLAGS))

build/$(1)/%.o: %.c build/$(1)/flags
	@mkdir -p $$(@D)
	$$(call say,CC)$$(CC_$(1)) $$(CPPFLAGS_ALL) $$(VERSION_CPPFLAGS) $$(CFLAGS_$(1)) $$(PROTO_CFLAGS) $$(CFLAGS) -MMD -MP -c -o $$@ $$<
	$$(if $$(filter -fsyntax-only,$$(CFLAGS_$(1))),@touch $$@)

$(VERSIONED:%.c=build/$(1)/%.o): VERSION_CPPFLAGS = $$(VERSION_FLAGS)
$(VERSIONED:%.c=build/$(1)/%.o): build/version

$(call proto_objects,$(1)): | $(PROTO_HEADERS)
$(call proto_objects,$(1)): PROTO_CFLAGS = -Wno-cast-qual

$(GENERATED:%=build/$(1)/%.o): build/$(1)/%.o: build/generated/%.c build/$(1)/flags | $(PROTO_HEADERS)
	@mkdir -p $$(@D)
	$$(call say,CC)$$(CC_$(1)) $$(CPPFLAGS_ALL) $$(CFLAGS_$(1)) $$(CFLAGS) -w -c -o $$@ $$<

$(foreach d,$(FOLDERS),$(call archive_rule,$(1),$(d)))
$(foreach p,$(PROGRAMS),$(call program_rule,$(1),$(p)))
$(foreach t,$(TESTS:%.c=%),$(call test_rule,$(1),$(t),$(patsubst %/,%,$(dir $(t)))))

-include $(patsubst %.c,build/$(1)/%.d,$(SOURCES) $(TESTS) $(FUZZERS))
endef

proto_objects = $(patsubst %.c,build/$(1)/%.o,$(filter $(USES_PROTO),$(SOURCES) $(TESTS) $(FUZZERS)))
objects  = $(patsubst %.c,build/$(1)/%.o,$(call sources,$(2)))
archives = $(patsubst %,build/$(1)/%.a,$(LAYERS_$(2)))
link     = $$(call say,LINK)$$(CC_$(1)) $$(CFLAGS_$(1)) $$(CFLAGS) $$(LDFLAGS_$(1)) $$(LDFLAGS) -o $$@ $$(filter %.o %.a,$$^)

define archive_rule # variant, folder
build/$(1)/$(2).a: $(call objects,$(1),$(2)) $(if $(filter proto,$(2)),$(GENERATED:%=build/$(1)/%.o))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(call say,AR)$$(AR) rcsD $$@ $$^

endef

define program_rule # variant, program
build/$(1)/$(2): $(call objects,$(1),cmd/$(2)) $(call archives,$(1),cmd/$(2))
	$(link) $$(LIBS_$(2)) $$(LIBS_$(1))

endef

# A program's tests are linked with its other objects, too.
define test_rule # variant, test, folder
build/$(1)/$(2): build/$(1)/$(2).o \
		$(if $(filter $(PROGRAMS:%=cmd/%),$(3)),$(filter-out %/main.o,$(call objects,$(1),$(3)))) \
		$(call archives,$(1),$(3))
	$(link) $(if $(filter cmd/rustbox%,$(3)),$$(LIBS_rustbox)) $$(LIBS_$(notdir $(3))) $$(LIBS_$(1)) -lcmocka

endef

define fuzz_rule # fuzz target, folder
build/fuzz/$(notdir $(1)): build/fuzz/$(1).o $(call archives,fuzz,$(2))
	$(call link,fuzz) $(if $(filter cmd/rustbox%,$(2)),$$(LIBS_rustbox)) $$(LIBS_fuzz)

endef

$(foreach v,$(VARIANTS),$(eval $(call variant_rules,$(v))))
$(foreach f,$(FUZZERS:%.c=%),$(eval $(call fuzz_rule,$(f),$(patsubst %/,%,$(dir $(f))))))
$(eval $(call stamp,build/version,$(VERSION) $(COMMIT)))

# One object that defines the names of its header and no others.
build/release/librustbox-runtime.a: build/pic/cmd/librustbox-runtime.a build/pic/base.a
	@mkdir -p $(@D)
	$(call say,AR)rm -f $@ && $(CC) -r -nostdlib -o $(@:.a=.o) -Wl,--whole-archive $< -Wl,--no-whole-archive build/pic/base.a && \
		$(OBJCOPY) --wildcard --keep-global-symbol='rustbox_runtime_*' $(@:.a=.o) && \
		$(AR) rcsD $@ $(@:.a=.o)
build/release/rustbox-runtime.pc: build/version build/release/flags
	@printf '%s\n' 'Name: rustbox-runtime' 'Description: containers from C programs, by rustbox-runtime' \
		'Version: $(VERSION)' 'Cflags: -I$${includedir}' 'Libs: -L$${libdir} -lrustbox-runtime' >$@

build/generated/proto/%.pb-c.c build/generated/proto/%.pb-c.h: proto/%.proto
	@mkdir -p build/generated
	$(call say,PROTO)protoc-c -I. --c_out=build/generated $<

# The integration tests' tools are static, so that they run in an empty root. They
# are small: one that changed is compiled whole.
define tool_rule # folder
build/release/$(notdir $(1)): $(wildcard $(1)/*.c $(1)/*.h) build/release/flags
	$$(call say,LINK)$$(CC) $$(CPPFLAGS_ALL) $$(COMMON) -O2 -static -o $$@ $$(filter %.c,$$^)
endef
# These have our own code in them: one measures it, the other is to be as small as it can.
TOOL_LIBS = $(LIBS)
build/release/null_shim build/release/bare_run: private TOOL_LIBS = -static $(STATIC_LIBS)
define measuring_tool_rule # folder
build/release/$(notdir $(1)): $(wildcard $(1)/*.c) $(call archives,release,$(1)) build/release/flags
	$$(call say,LINK)$$(CC) $$(CPPFLAGS_ALL) $$(COMMON) -O2 -o $$@ $$(filter %.c %.a,$$^) $$(TOOL_LIBS)
endef
$(foreach t,$(TOOLS),$(eval $(call $(if $(LAYERS_$(t)),measuring_)tool_rule,$(t))))

##@ Targets

.PHONY: all quickstart test test-all test-fresh lint fuzz coverage bench install uninstall dist deb session clean help FORCE
.DEFAULT_GOAL := all

all: $(PROGRAMS:%=build/release/%) build/release/rustboxd $(LIBRARY) $(MANPAGES) $(COMPLETIONS) ## Build the programs (build/release/)

quickstart: ## Install what is needed, build, install, and run a first container (ROOTFS=folder)
	integration/quickstart

test: ## Install the test tools and run every test that this machine can run
	@integration/install-deps test
	@integration/run-tests

test-fresh: ## The first hour on a fresh Debian, in a tree of its own: make quickstart and some tests (LONG=1: all of them, then the packages)
	integration/test-fresh

test-all: ## The same with the long forms
	@integration/install-deps test
	@LONG=1 integration/run-tests

lint: ## Compiler warnings, format, static analysis, layers, shell, spelling
	@LONG=1 integration/run-tests lint

fuzz: fuzz-programs ## Run each fuzz target for FUZZ_SECONDS=60
	@FUZZ_SECONDS=$(FUZZ_SECONDS) integration/run-tests fuzz

coverage: coverage-programs ## Run the unit tests with gcov's counters; report in build/coverage/
	integration/coverage

bench: test-programs ## Measure the runtime beside crun and runc, and the shim: COUNT=100, RUNTIMES=, LONG=1, STEPS=1, BENCH_WRITE=1
	@integration/bench/run-bench
	@[ -n "$(RUNTIMES)$(STEPS)" ] || integration/bench/run-shim-bench
	@[ -n "$(RUNTIMES)$(STEPS)" ] || integration/bench/run-rustbox-bench

INSTALLED_PROGRAMS := $(patsubst %,$(BINDIR)/%,$(filter-out $(HELPERS),$(PROGRAMS))) \
	$(HELPERS:%=$(LIBEXECDIR)/%)
# FILE:DESTINATION, without programs
INSTALLED := $(foreach m,$(MANPAGES),$(m):$(MANDIR)/man8/$(notdir $(m))) \
	$(foreach p,$(SPEAKING),build/release/$(p).bash:$(BASH_COMPLETIONS)/$(p) \
		build/release/$(p).zsh:$(ZSH_COMPLETIONS)/_$(p) \
		build/release/$(p).fish:$(FISH_COMPLETIONS)/$(p).fish) \
	$(foreach u,$(UNITS),$(u):$(UNITDIR)/$(notdir $(u))) \
	build/release/librustbox-runtime.a:$(LIBDIR)/librustbox-runtime.a \
	build/release/rustbox-runtime.pc:$(LIBDIR)/pkgconfig/rustbox-runtime.pc \
	cmd/librustbox-runtime/rustbox-runtime.h:$(INCLUDEDIR)/rustbox-runtime.h

install: all ## Install to PREFIX=/usr/local, below DESTDIR=
	$(quiet)$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBEXECDIR)
	$(quiet)for p in $(INSTALLED_PROGRAMS); do \
		$(INSTALL) -m 755 build/release/$${p##*/} $(DESTDIR)$$p && \
		$(STRIP) $(DESTDIR)$$p || exit 1; \
	done
	$(quiet)ln -sf rustbox $(DESTDIR)$(BINDIR)/rustboxd
	$(quiet)for f in $(INSTALLED); do \
		$(INSTALL) -D -m 644 $${f%%:*} $(DESTDIR)$${f#*:} || exit 1; \
	done
	$(quiet)sed -i '1i libdir=$(LIBDIR)\nincludedir=$(INCLUDEDIR)' $(DESTDIR)$(LIBDIR)/pkgconfig/rustbox-runtime.pc
	$(quiet)$(if $(UNITS),sed -i 's|/usr/local/bin/|$(BINDIR)/|' $(UNITS:config/%=$(DESTDIR)$(UNITDIR)/%))

uninstall: ## Remove what install put there
	rm -f $(INSTALLED_PROGRAMS:%=$(DESTDIR)%) $(DESTDIR)$(BINDIR)/rustboxd \
		$(foreach f,$(INSTALLED),$(DESTDIR)$(lastword $(subst :, ,$(f))))

build/release/rustboxd: build/release/rustbox
	@ln -sf rustbox $@

$(SPEAKING:%=build/release/%.8): %.8: %
	$(call say,MAN)$< generate man >$@
define completion_rule # shell
$(SPEAKING:%=build/release/%.$(1)): %.$(1): %
	$$(call say,COMPL)$$< generate $(1) >$$@
endef
$(foreach s,bash zsh fish,$(eval $(call completion_rule,$(s))))

# git archive takes times and owners from the commit: the same commit gives the same file.
dist: ## Source tarball of the last commit: build/dist/
	@[ -e .git ] || { echo "$@: this is not a git repository (of a release tarball, dpkg-buildpackage -us -uc -b makes packages)" >&2; exit 1; }
	@mkdir -p build/dist
	git archive --format=tar --prefix=rustbox-$(VERSION)/ -o build/dist/rustbox-$(VERSION).tar HEAD
	gzip -9nf build/dist/rustbox-$(VERSION).tar
	cd build/dist && sha256sum rustbox-$(VERSION).tar.gz | tee rustbox-$(VERSION).tar.gz.sha256

# Made from the tarball, in a folder of its own: what is built here stays as it is.
deb: dist ## Debian packages of the last commit: build/deb/
	@integration/install-deps build package
	rm -rf build/deb
	mkdir -p build/deb
	tar -xzf build/dist/rustbox-$(VERSION).tar.gz -C build/deb
	cd build/deb/rustbox-$(VERSION) && env -u MAKEFLAGS -u MFLAGS dpkg-buildpackage -us -uc -b -J$(JOBS)
	rm -rf build/deb/rustbox-$(VERSION)
	@ls build/deb/*.deb

session: all ## Record docs/session.svg, the terminal session that README.md shows
	PATH="$(CURDIR)/build/release:$$PATH" integration/record-session docs/session.svg

clean: ## Remove build/
	rm -rf build

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

mutations: ## Break each security mechanism in a copy of the tree: its test has to notice
	integration/mutate

SOAK_FOLDER = $(if $(filter 1,$(BENCH_WRITE)),docs/performance,build/soak)
soak: test-programs ## 10,000 containers one after the other, 500 at once, 1,000 alive, by each program: SOAK=10000, BENCH_WRITE=1
	@mkdir -p $(SOAK_FOLDER)
	@printf 'process\tcycles\tdescriptors\tKiB\n' >$(SOAK_FOLDER)/soak.tsv
	SOAK=$(or $(SOAK),10000) SOAK_DATA=$(CURDIR)/$(SOAK_FOLDER)/soak.tsv bats --timing integration/soak.bats
	@integration/bench/plot soak $(SOAK_FOLDER)
	@[ $(SOAK_FOLDER) != docs/performance ] || { \
		integration/bench/plot --links docs/performance soak-descriptors soak-memory >build/soak.section && \
		integration/bench/write-section "make soak" build/soak.section; }

##@ What integration/run-tests asks for

.PHONY: test-programs debug-tests plain-tests coverage-programs fuzz-programs \
	lint-gcc lint-clang lint-tidy print-tests print-fuzzers

debug-tests: $(TESTS:%.c=build/debug/%)
plain-tests: $(TESTS:%.c=build/plain/%)
test-programs: all $(addprefix build/release/,$(notdir $(TOOLS)))
coverage-programs: $(TESTS:%.c=build/coverage/%)
fuzz-programs: $(patsubst %.c,build/fuzz/%,$(notdir $(FUZZERS)))

print-tests: ; @printf '%s\n' $(TESTS:%.c=%)
print-fuzzers: ; @printf '%s\n' $(FUZZERS:%.c=%)

LINTED := $(SOURCES) $(TESTS) $(FUZZERS)
lint-gcc: $(LINTED:%.c=build/lint-gcc/%.o)
lint-clang: $(LINTED:%.c=build/lint-clang/%.o)

# clang-tidy runs again for what was compiled again; `make -jN -k` uses all cores.
# Its analyser does not know __attribute__((cleanup)), so what it takes for leaks is
# left to ASan and valgrind. The whole story of a finding is in the .log.
# Tests may be long, and leave descriptors open on purpose. The analyser, nine tenths
# of the time, reads them in the long form only: ASan and valgrind run them.
TIDY_TESTS := -readability-function-*,-android-cloexec-*$(if $(filter-out 0,$(LONG)),,$(comma)-clang-analyzer-*)
$(eval $(call stamp,build/lint-tidy/form,$(if $(filter-out 0,$(LONG)),long,short)))
$(filter %_test.ok,$(LINTED:%.c=build/lint-tidy/%.ok)): build/lint-tidy/form
lint-tidy: $(LINTED:%.c=build/lint-tidy/%.ok)
build/lint-tidy/%.ok: build/lint-clang/%.o .clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY)$(CLANG_TIDY) --quiet $(if $(filter %_test,$*),--checks='$(TIDY_TESTS)') $*.c -- $(CPPFLAGS_ALL) $(VERSION_FLAGS) -std=gnu17 \
		>$@.log 2>&1 || { cat $@.log; exit 1; }
	@! grep -E ': (warning|error): ' $@.log | grep -v 'Potential leak of memory pointed to by'
	@touch $@
