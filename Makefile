# SPDX-License-Identifier: GPL-2.0-only
#
# What people type. On a machine that has not even make: vm/setup make TARGET.
# The module is built by the kernel's kbuild from the top-level Kbuild, in a
# copy below build/, one for each kernel.

KERNEL ?= 6.1
N ?= 100
SECONDS ?= 60
BUILD := $(CURDIR)/build

# KDIR=... is for a kernel of your own, KERNEL=host for the running one.
ifeq ($(KERNEL),host)
KDIR ?= /lib/modules/$(shell uname -r)/build
endif
ifdef KDIR
OUT ?= $(BUILD)/host
else
OUT ?= $(BUILD)/$(KERNEL)
endif

MODULE_SOURCES := Kbuild $(wildcard kmod/* uapi/*/*)

# The parts that there are; each has targets all, clean and perhaps test.
PARTS := $(patsubst %/Makefile,%,$(wildcard lib/Makefile cli/Makefile \
	bench/Makefile examples/Makefile stress/Makefile))

.PHONY: all module lib selftests demo test check bench profile shell boots clean help
.PHONY: test-debug test-detectors test-kernels test-extension coverage fuzz storm
.PHONY: storm-mutants fuzz-mutants model corners generations install-man
.PHONY: test-languages install uninstall modules_install modules_uninstall deb test-deb
.PHONY: report
.PHONY: FORCE

all: module $(PARTS:%=build-%) selftests	## build everything

module: $(OUT)/muster.ko	## build the module (KERNEL=6.12, KERNEL=host or KDIR=...)

# Which kernel that is. Written anew only when it is another one than last time.
$(OUT)/kernel: FORCE
	@mkdir -p $(OUT)
	@$(if $(KDIR),echo 'KMAKE="make -C $(KDIR)"',vm/kernel $(KERNEL)) >$@.$$$$ && \
	if cmp -s $@.$$$$ $@; then rm $@.$$$$; else mv $@.$$$$ $@; fi

# Kbuild decides what is to be compiled; this only saves asking it when nothing
# has changed. Nothing of another kernel may be left.
$(OUT)/muster.ko: $(MODULE_SOURCES) $(OUT)/kernel $(if $(C),FORCE)
	@flock $(OUT).lock sh -euc '\
		[ ! $(OUT)/kernel -nt $@ ] || rm -rf $(OUT)/kmod $(OUT)/muster.*; \
		rsync -a --delete --include="*/" --include="*.[ch]" \
			--exclude="*" kmod uapi $(OUT)/; \
		rsync -a Kbuild $(OUT)/; \
		. $(OUT)/kernel; \
		eval "$$KMAKE --no-print-directory -j$(shell nproc) M=$(OUT) W=1 \
			$(if $(C),C=$(C) CF=$(CF)) modules"; \
		touch $@'

$(PARTS:%=build-%): build-%: FORCE
	$(MAKE) -C $* BUILD=$(BUILD)

# Who brings the library along does not build it at the same time.
build-examples build-cli: build-lib

lib: build-lib	## build libmuster

# As the kernel's own "make install" of kselftests does it, for one directory.
KSELFTEST = $(BUILD)/kselftest
selftests:	## build the kselftests and install them in build/kselftest
ifneq ($(wildcard selftests/Makefile),)
	@tree=$$(vm/kselftest)/tools/testing/selftests && \
	make="$(MAKE) --no-print-directory -C selftests BUILD=$(BUILD) \
		OUTPUT=$(BUILD)/selftests KSELFTEST=$$tree" && \
	mkdir -p $(BUILD)/selftests $(KSELFTEST)/kselftest && \
	$$make INSTALL_PATH=$(KSELFTEST)/muster install && \
	$$make -s COLLECTION=muster emit_tests >$(KSELFTEST)/kselftest-list.txt && \
	cp $$tree/run_kselftest.sh $(KSELFTEST) && \
	cp $$tree/kselftest/* $(KSELFTEST)/kselftest
endif

demo:	## show what muster is good for, in the VM
	@vm/setup
	@$(MAKE) --no-print-directory all
	@$(if $(wildcard demo/run),demo/run,echo "no demo yet")

report:	## draw a stampede, without muster and with it: build/report.html (DURATION=8)
	@vm/setup demo/report $(DURATION:%=--seconds %)

test:	## set up, build and test everything
	@vm/setup vm/test

test-debug:	## the suite on the debug kernels (KASAN, lockdep, kmemleak...; KCSAN)
	@vm/setup vm/test-debug

test-detectors:	## show that each detector of the debug kernels would have spoken
	@vm/setup vm/test-detectors

test-kernels:	## the suite on Debian's kernels, old to new, and on PREEMPT_RT
	@vm/setup vm/test-kernels

test-extension:	## old programs on a module of a version to come, and the reverse
	@vm/setup
	@$(MAKE) -s --no-print-directory selftests
	@vm/test-extension $(KERNEL)

test-languages:	## the examples in shell, Python, Go and PHP (installs Go and PHP)
	@MUSTER_PACKAGES="golang-go php-cli" vm/setup man/languages $(KERNEL)

# SECONDS is bash's, and never in the environment.
storm:	## the kill storm (SECONDS=600, SEED=1, KERNEL=6.12)
	@vm/setup stress/storm-run --kernel $(KERNEL) --seconds $(SECONDS) \
		$(if $(SEED),--seed $(SEED))

storm-mutants:	## does the kill storm find small faults in the module?
	@vm/setup stress/mutants --kernel $(KERNEL)

# On the debug kernel, unless another one is named.
fuzz:	## random calls (CALLS=1000000, SEED=1, KERNEL=6.12; REPLAY=FILE)
	@vm/setup stress/fuzz-run $(CALLS:%=--calls %) $(SEED:%=--seed %) \
		$(REPLAY:%=--replay %) \
		--kernel $(if $(filter file,$(origin KERNEL)),debug,$(KERNEL))

fuzz-mutants:	## does the fuzzer find small faults in the module?
	@vm/setup stress/fuzz-mutants

# In the VM: each of the kselftests $(1), with $(2) in its environment.
RUN_TESTS = @vm/run --kernel $(KERNEL) --smp 2 --timeout 3600 --add $(KSELFTEST)/muster:/t -- \
	sh -c 'for t in $(1); do $(2) /t/$$t || status=1; done; exit $$status'
CORNERS := corners_sem corners_barrier corners_flight corners_group poison tokens

corners:	## the corners at which others fail, ten times as often as test (ROUNDS=10)
	@vm/setup
	@$(MAKE) -s --no-print-directory selftests
	$(call RUN_TESTS,$(CORNERS),MUSTER_ROUNDS=$(or $(ROUNDS),10) $(SEED:%=MUSTER_SEED=%))

generations:	## 100,000 generations of a barrier (GENERATIONS=100000, SEED=1)
	@vm/setup
	@$(MAKE) -s --no-print-directory selftests
	$(call RUN_TESTS,generations,MUSTER_GENERATIONS=$(or $(GENERATIONS),100000) \
		$(SEED:%=MUSTER_SEED=%))

model:	## check the models of the protocols in every state (models/README.rst)
	@vm/setup models/run

coverage:	## which lines of the module the kselftests run; the others are explained
	@vm/setup vm/coverage

bench:	## what operations cost, in instructions, and what peers' do (QUICK=1; a few minutes)
	@vm/setup
	@bench/run --kernel $(KERNEL)
	@bench/peers/run $(if $(QUICK),--quick)

profile:	## where instructions go, by function (OPERATION=lead)
	@vm/setup
	@bench/profile --kernel $(KERNEL) $(or $(OPERATION),pair try lead ring barrier)

check:	## static checks
	@vm/check

deb:	## build the Debian packages, in build/deb
	@MUSTER_ONLY="build-essential debhelper dh-dkms git rsync" vm/setup packaging/deb

test-deb:	## the Debian packages in a clean Debian, and in the VM (RELEASE=trixie)
	@MUSTER_PACKAGES="debhelper dh-dkms lintian e2fsprogs" vm/setup \
		packaging/test-deb $(or $(RELEASE),bookworm trixie)

# All of these honour DESTDIR; see Documentation/install.rst.
install:	## install all but the module (DESTDIR, PREFIX, LIBDIR, MANDIR...)
modules_install:	## install the module, of the running kernel (KERNEL=6.12 or KDIR=...)
uninstall:	## remove what these two have installed
install uninstall modules_install modules_uninstall:
	@$(MAKE) --no-print-directory -C packaging BUILD=$(BUILD) $@

install-man:	## install the manual pages (DESTDIR, PREFIX, MANDIR)
	@$(MAKE) --no-print-directory -C man install

# Below /usr/local/bin in the VM, which is in the path.
SHELL_TOOLS = $(wildcard $(BUILD)/bin $(BUILD)/bench $(BUILD)/demo)

shell:	## an interactive shell in the VM, module loaded, tools in the path
	@$(MAKE) -s --no-print-directory all
	@make -s -C demo BUILD=$(BUILD)
	@echo "Tools are in the path, kselftests in /kselftest, examples in /examples;" \
		"exit leaves."
	@vm/run --kernel $(KERNEL) --mem 2048 --interactive \
		$(SHELL_TOOLS:%=--add %:/usr/local/bin) --add $(KSELFTEST):/kselftest \
		--add $(BUILD)/examples:/examples

boots: module	## boot the VM N times (N=100), two at a time: every boot must be good
	@vm/boots $(KERNEL) $(N)

clean:	## remove everything that was built
	rm -rf $(BUILD)

help:	## this list
	@awk -F ':.*##[[:space:]]*' '/^[a-z_-]+:.*##/ { printf "%-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
