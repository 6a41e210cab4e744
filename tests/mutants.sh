#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Removes each step of confinement and supervision of the shim, and of what keeps a hostile instance
# from the hook, in turn from a copy of the tree, builds it and runs those tests that promise the
# step: one must turn red. tests/mutants.sh [NAME-PART]
#
# The shim's are container tests; of the hook, TEST of unit/PROGRAM.TEST or of incus/TEST.
#
# A mutant marked `blind` is tried once more with all verification taken out as well, to show that
# the tests look for themselves instead of trusting the shim's own refusal to start.
#
# The last line is `N mutants: N killed, N survived`; the exit status is 1 when one survived or a
# pattern below does not match the sources any more.

set -eu
cd "$(dirname "$0")/.."
only=${1:-}
[ "$(id -u)" = 0 ] || { echo 'mutants: needs root, as the container tier does' >&2; exit 1; }

# NAME @ FILE of shim/, or its path @ sed -E script @ tests @ blind, or nothing
table() {
	cat <<- 'END'
	groups @ become.c @ s/confine_groups\(&l->groups, f\) < 0/0/ @ leaked_groups groups_are @ blind
	bounding @ become.c @ /confine_bounding\(e->bounding_before, 0, f\) < 0/d @ no_privilege @ blind
	securebits @ become.c @ /confine_securebits\(f\) < 0/d @ no_privilege @ blind
	gid @ become.c @ /confine_gid\(l->account.gid, f\) < 0/d @ no_privilege @ blind
	uid @ become.c @ /confine_uid\(l->account.uid, f\) < 0/d @ no_privilege @ blind
	capabilities @ become.c @ /confine_capabilities\(0, f\) < 0/d @ no_privilege leaked_groups @ blind
	ambient @ become.c @ s/confine_ambient\(f\) < 0/0/ @ steps_are_taken @ blind
	no-new-privs @ become.c @ /confine_no_new_privs\(f\) < 0/d @ no_privilege steps_are_taken @ blind
	parent-death @ become.c @ /confine_parent_death\(b->parent, f\) < 0/d @ no_privilege killing_the_shim @ blind
	parent-race @ confine.c @ s/getppid\(\) != parent/0/ @ parent_that_changed @
	landlock @ become.c @ /landlock_confine\(l->options/d @ out_of_reach_though @
	close-on-exec @ become.c @ /descriptors_close_on_exec\(f\) < 0/d @ steps_are_taken @
	filter @ become.c @ /load_policy\(b->audit, l->policy, f\) < 0/d @ dangerous_calls no_privilege @ blind
	verify-privileges @ become.c @ /verify_privileges\(l->account.uid, f\) < 0\)/d @ setuid_0_that no_confining @
	verify-confinement @ become.c @ /verify_confinement\(status, e, f\) < 0\)/d @ no_confining @
	verify-setuid @ verify.c @ s/syscall\(SYS_setuid, 0\) == 0/0/ @ setuid_0_that @
	verify-securebits @ verify.c @ s/prctl\(PR_GET_SECUREBITS[^)]*\) != \(int\)CONFINE_SECUREBITS/0/ @ no_confining @
	try-filter @ become.c @ s/return r < 0 \? r : filter_try\(p, f\);/return r;/ @ answer_as_compiled @
	wait-for-beginning @ launch.c @ s/wait_for_beginning\(b->pipes, &f\) == 0/1/ @ every_call shim_that_dies @
	wait-for-word @ become.c @ /b->wait\(b->wait_for, f\) < 0/d @ every_call shim_that_dies slow_to_confine @
	share-memory @ spawn_child.c @ s/share = value == .*;/share = true;/ @ memory_is_shared @
	session @ terminal.c @ s/if \(setsid\(\) < 0\)/if (0)/ @ session_of_its_own @
	process-group @ terminal.c @ s/if \(setpgid\(0, 0\) < 0\)/if (0)/ @ given_back @
	new-terminal @ terminal.c @ s/ioctl\(t->fd, TIOCSCTTY, 0\) < 0/0/ @ controls_nobody @
	foreground @ terminal.c @ s/r = set_foreground_group\(t->fd, getpid\(\)\);/r = 0;/ @ given_back @
	dispositions @ become.c @ /default_dispositions\(e->ignored, f\) < 0/d @ ignored_signals @
	mask @ become.c @ s/release_signals\(f\) < 0/0/ @ blocked_signals @
	wanted-directory @ become.c @ /change_directory\(l->options->cwd, f\) < 0/d @ wanted_working_directory @
	directory @ become.c @ /stay_inside\(f\) < 0/d @ working_directory_outside @
	umask @ main.c @ /umask\(022\);/d @ umask_is @
	inherited-descriptors @ main.c @ s/descriptors_clean\(&closed, f\) < 0/0/ @ leaked_desc closed_standard @
	hold-signals @ signals.c @ s/\(void\)signals_set_mask\(SIGNALS_ALL\);/;/ @ steps_are_taken @
	sigchld @ main.c @ s/signals_set_default\(SIGCHLD\) < 0/0/ @ sigchld_ignored @
	sigtstp @ main.c @ s/signals_set_default\(SIGTSTP\) < 0/0/ @ ignored_before @
	subreaper @ main.c @ s/prctl\(PR_SET_CHILD_SUBREAPER[^)]*\) < 0/0/ @ leftovers_finish subreaper @
	dumpable @ main.c @ s/prctl\(PR_SET_DUMPABLE[^)]*\) < 0/0/ @ memory_of_pid_1 @
	root-by-accident @ account.c @ s/if \(!root \&\& \(!out->uid \|\| !out->gid\)\)/if (0)/ @ root_must_be @
	retire-let-go @ retire.c @ s/let_go\(f\) < 0/0/ @ does_not_pin @
	retire-bounding @ retire.c @ s/confine_bounding\([^;]*\) < 0/0/ @ exec_bounding @ blind
	retire-capabilities @ retire.c @ /confine_capabilities\(r->expected.permitted, f\) < 0/d @ no_capabilities_left @ blind
	retire-ambient @ retire.c @ /confine_ambient\(f\) < 0/d @ steps_are_taken @ blind
	retire-no-new-privs @ retire.c @ /confine_no_new_privs\(f\) < 0/d @ no_capabilities_left @ blind
	retire-filter @ retire.c @ s/filter_load\(policy, f\) < 0/0/ @ no_capabilities_left calls_that @ blind
	verify-supervisor @ retire.c @ s/verify_supervisor\(r->status, &r->expected, f\) < 0/0/ @ no_confining @
	stop-on-30 @ supervise.c @ /case SIGPWR:/d @ stop_runs @
	stop-on-37 @ supervise.c @ /case SIGNAL_HALT:/d @ stop_runs @
	stop-on-38 @ supervise.c @ /case SIGNAL_POWEROFF:/d @ stop_runs @
	stop-on-term @ supervise.c @ /case SIGTERM:/d @ leftovers_hear leftovers_finish @
	restart-on-int @ supervise.c @ s/if \(l->s->init \&\& !typed\) \{/if (0) {/ @ int_to_pid_1 @
	reboot @ supervise.c @ s/^(\t+)supervise_restart\(\);/\1;/ @ int_to_pid_1 @
	forward @ supervise.c @ s/\(void\)signal_forward\(l->s->command, si\);/;/ @ ten_thousand @
	forward-value @ signals.c @ s/if \(si->ssi_code >= 0 \|\| si->ssi_code == SI_TKILL\)/if (1)/ @ keep_value @
	term-to-leftovers @ supervise.c @ s/leftovers_signal\(l->s->init, SIGTERM\);/;/ @ leftovers_finish @
	term-at-half-time @ supervise.c @ s,timeout / 2,timeout, @ leftovers_hear @
	kill-at-timeout @ supervise.c @ s/leftovers_signal\(l->s->init, SIGKILL\);/;/ @ killed_at @
	reap-orphans @ supervise.c @ s/waitpid\(-1, /waitpid(l->s->command, / @ reaped subreaper @
	follow-stop @ supervise.c @ s/terminal_follow_stop\(l->s->terminal, l->s->command\);/;/ @ ctrl_z @
	give-back @ supervise.c @ /terminal_give_back\(l->s->terminal, l->s->command\);/d @ given_back @
	shm @ prepare.c @ s/^\tprepare_shm\(\);// @ dev_shm @
	tmp @ prepare.c @ s/^\tprepare_tmp\(\);// @ sticky @
	home @ prepare.c @ s/^\tprepare_home\(a\);// @ runtime_directory_and_home @
	runtime-dir @ prepare.c @ s/^\tprepare_runtime_dir\(a, rd\);// @ runtime_directory_and_home @
	loopback @ prepare.c @ s/^\tprepare_loopback\(\);// @ loopback @
	mounts-below @ tmpfs.c @ s/r = path_mounts_below\(fd\);/r = 0;/ @ mounts_below @
	links-of-others @ path.c @ s/st->st_uid != 0 \|\| // @ a_link_of_the_application @
	still-private @ retire.c @ s/prctl\(PR_GET_DUMPABLE[^)]*\) == 0/1/ @ open_to_tracing @
	own-sigpipe @ supervise.c @ s/si->ssi_pid == \(uint32_t\)l->self/0/ @ stderr_whose_reader @
	own-proc @ prepare.c @ s/ \&\& \(pid_t\)pid == getpid\(\)// @ another_pid_namespace @
	args-owner @ args_file.c @ s/return -EPERM;/return 0;/ @ others_may_write @
	gate @ main.c @ s/status = gate_pass\(&plan, f\);/status = 0;/ @ a_display_is @
	gate-named @ records.c @ s/ \|\| \(named && records_group_skipped\(r, group\)\)// @ without_a_probe_only @
	gate-stop @ inspect.c @ s/stop = \(int\)si.ssi_signo;/;/ @ a_stop_ends @
	gate-anew @ gate.c @ s/return INSPECT_ANEW;/continue;/ @ a_device_that_comes_late @
	watch-anew @ self_test.c @ s/return INSPECT_ANEW;/continue;/ @ watch_looks_with @
	gate-display @ inspect.c @ s/devices & GROUP_BIT\(GROUP_X11\)/0/ @ starts_after @
	display-of-its-own @ landlock.c @ s/peer.uid == getuid\(\)/0/ @ a_listener_of @
	gate-await @ launch.c @ s/^\tinspect_await_end\(\);// @ what_a_probe_leaves @
	gate-frozen @ inspect.c @ s/kill\(ending, SIGKILL\);/;/ @ an_inspector_that_is_stopped @
	probe-as-caller @ inspect.c @ s/report && !may_change_identity\(\)/report/ @ checks_are_made @
	probe-mask @ probe_run.c @ s/signals_set_mask\(0\) == 0/1/ @ checks_are_made @
	probe-death @ probe_run.c @ s/prctl\(PR_SET_PDEATHSIG.*\) == 0/1/ @ inspector_and_probe @
	probe-deadline @ probe_run.c @ s/return LATE;/continue;/ @ a_probe_that_hangs @
	gate-stop-word @ inspect.c @ s/POLLIN \&\& !stop/POLLIN/ @ a_stop_that_comes @
	gate-stop-end @ inspect.c @ s/childless\) \&\& !stop/childless)/ @ a_stop_that_comes @
	probe-litter @ probe_run.c @ s/leftovers_signal\(false, SIGKILL\);/;/ @ what_a_probe_leaves @
	record-magic @ records.c @ s/w->magic != WIRE_MAGIC/0/ @ a_probe_that_lies @
	record-status @ records.c @ s/w->status >= STATUSES/0/ @ a_probe_that_lies @
	record-zero @ records.c @ s/ \|\| w->zero \|\| w->zero2// @ a_probe_that_lies @
	record-group @ records.c @ s/wire_group_of\[w->check\] != w->group/0/ @ a_probe_that_lies @
	record-end @ records.c @ s/r->asked & ~r->ended/r->asked/ @ a_probe_that_lies @
	record-flood @ records.c @ s/r->count == WIRE_RECORDS_MAX/0/ @ a_probe_that_lies @
	record-terminated @ records.c @ s/return memchr\(text[^;]*;/return true;/ @ a_probe_that_lies @
	record-partial @ probe_run.c @ s/return r->partial \? LIES : CLOSED;/return CLOSED;/ @ a_probe_that_lies @
	umask @ main.c @ s/^\tumask\(022\);.*// @ umask_of_the_caller @
	hook-environment @ hooks/request.c @ s/^\tclearenv\(\);// @ unit/request.nothing_is_left_of_the_environment @
	hook-name @ hooks/request.c @ s/c == '.' \|\| c == '"'/c == '"'/ @ unit/request.names_are_those_of_incus_and_no_path @
	hook-list @ hooks/devices.c @ /memset\(out, 0, sizeof\(\*out\)\);/{N;s/.*\n(.*not a device)/\1/} @ unit/devices.a_list_with_a_mistake_wires_nothing @
	hook-map-hole @ hooks/idmap.c @ s/inside >= r->inside \&\& inside - r->inside < r->count/inside >= r->inside/ @ unit/idmap.hole_has_no_mapping_and_its_neighbours_have @
	hook-map-overlap @ hooks/idmap.c @ s/if \(overlaps.*\)$/if (0 \&\& overlaps(\&r, \&out->range[i]))/ @ unit/idmap.what_is_no_map_is_refused @
	hook-state-names @ hooks/state_text.c @ s/!node_name_ok\(n->name\) \|\| // @ unit/parts.state_file_is_read_strictly @
	hook-log-link @ hooks/hook_report.c @ s/flags = O_NOFOLLOW \| O_CLOEXEC/flags = O_CLOEXEC/ @ unit/parts.log_that_is_not_roots_own_is_left_alone @
	hook-log-owner @ hooks/hook_report.c @ s/ \|\| st\.st_uid != 0// @ unit/parts.log_that_is_not_roots_own_is_left_alone @
	hook-log-mode @ hooks/hook_report.c @ s/is_roots\(rep->log, S_IFREG, 022\)/is_roots(rep->log, S_IFREG, 0)/ @ unit/parts.log_that_is_not_roots_own_is_left_alone @
	hook-log-length @ hooks/hook_report.c @ /if \(\+\+rep->lines > LINES_MAX\)/{N;d} @ unit/parts.many_findings_stay_below_four_kib @
	hook-in-root @ hooks/owner.c @ s/RESOLVE_IN_ROOT \| // @ unit/parts.files_that_are_none_count_as_empty @
	hook-regular-file @ hooks/owner.c @ s/S_ISREG\(st\.st_mode\) \&\& // @ unit/parts.what_is_no_regular_file_is_not_even_opened @
	hook-as-its-root @ hooks/owner.c @ s/int fd = instance_be_root\(i\);/int fd = 0;/ @ unit/parts.what_its_root_may_not_read_is_not_read_for_it @
	hook-deadline @ hooks/worker.c @ s/set_timer\(deadline_ms\) < 0 \|\| // @ unit/worker.worker_ends_with_its_parent @
	hook-parent-death @ hooks/worker.c @ s/prctl\(PR_SET_PDEATHSIG, SIGKILL\) < 0 \|\|// @ unit/worker.worker_ends_with_its_parent @
	hook-beneath @ hooks/attach.c @ s/^#define BENEATH .*/#define BENEATH 0/;s/BENEATH \| RESOLVE_NO_XDEV/BENEATH/ @ incus/hook_does_not_follow_a_link_for_a_directory @
	hook-no-links @ hooks/attach.c @ s/\(RESOLVE_BENEATH \| RESOLVE_NO_SYMLINKS \| /(RESOLVE_BENEATH | / @ incus/hook_follows_no_link_within_dev @
	hook-no-mounts @ hooks/attach.c @ s/, BENEATH \| RESOLVE_NO_XDEV\)/, BENEATH)/ @ incus/hook_crosses_no_mount_below_dev @
	hook-tmpfs @ hooks/attach.c @ s/fs\.f_type != TMPFS_MAGIC \|\| // @ incus/hook_leaves_a_dev_that_stays_alone @
	hook-new-file @ hooks/attach.c @ s/ \&\& S_ISREG\(st\.st_mode\) \&\& !st\.st_size\)\)$/))/ @ incus/hook_does_not_follow_a_link_for_a_node @
	hook-number @ hooks/attach.c @ s/ \&\& st\.st_rdev == rdev;/ \&\& (st.st_rdev == rdev || 1);/ @ incus/hook_takes_another_device_for_another @
	hook-its-own-mount @ hooks/attach.c @ s/if \(fd >= 0 \&\& is_given\(fd, n\)\)$/if (fd >= 0)/ @ incus/hook_takes_away_only_what_it_has_given @
	hook-withdraw @ hooks/wire.c @ s/bad = withdraw_all\(\&place, p, rep\);/;/ @ incus/hook_closes_the_copies_of_what_it_takes_away @
	hook-withdraw-owner @ hooks/attach.c @ s/fchownat\(fd, "", 0, 0, AT_EMPTY_PATH\) < 0 \|\| // @ incus/hook_closes_the_copies_of_what_it_takes_away @
	hook-withdraw-mode @ hooks/attach.c @ s/ \|\| fchmodat\(p->proc, path, 0, 0\) < 0// @ incus/hook_closes_the_copies_of_what_it_takes_away @
	hook-withdraw-own @ hooks/attach.c @ s/is_given\(fd, n\) \? close_inode/1 ? close_inode/ @ incus/hook_closes_nothing_but_what_it_takes_away @
	hook-major @ hooks/discover.c @ s/if \(wanted \&\& major\(rdev\) != wanted\)/if (0)/ @ incus/hook_finds_nvidia_nodes @
	hook-node-of-root @ hooks/discover.c @ s/ \|\| st\.st_uid != 0// @ incus/hook_finds_nvidia_nodes @
	hook-owner @ hooks/stage.c @ s/fchownat\(dir, name, uid, gid,/fchownat(dir, name, uid, uid,/ @ incus/hook_wires_the_nodes_before_pid_1_starts @
	hook-mode @ hooks/stage.c @ s/fchmodat\(dir, name, 0660, 0\)/fchmodat(dir, name, 0666, 0)/ @ incus/hook_shifts_through_each_instances_own_map @
	hook-name-owner @ hooks/stage.c @ s/n->name_only \? 0 : 0600/0/;s/if \(!n->name_only \&\& \((fchownat[^|]*)\|\|/if (\1 || (!n->name_only \&\&/ @ incus/hook_gives_the_name_of_a_primary_node_and_no_more @
	hook-name-mode @ hooks/stage.c @ s/n->name_only \? 0 : 0600/0644/ @ incus/hook_gives_the_name_of_a_primary_node_and_no_more @
	hook-name-unasked @ hooks/discover.c @ s/(sysname, name, )!chosen(, out\))/\1false\2/ @ incus/hook_gives_the_name_of_a_primary_node_and_no_more @
	hook-name-of-root @ hooks/wire.c @ s/if \(idmap_reaches\(\&i->uids, 0\)\)/if (0)/ @ incus/hook_wires_a_privileged_instance @
	hook-group-unmapped @ hooks/wire.c @ /host's group 0/{n;d} @ incus/hook_reports_a_group_that_is_not_mapped @
	hook-caller @ hooks/start.c @ s/if \(i->parent == s->call->monitor\)/if (1)/ @ incus/hook_enters_only_its_callers_containers @
	hook-who-it-is @ hooks/plug.c @ s/i->start != w->start/0/ @ incus/hook_forgets_an_instance_that_ended_unseen @
	hook-undo @ hooks/stop.c @ s/r = state_remove\(\&state, \&f\);/r = 0;/ @ incus/hook_leaves_nothing_at_a_stop @
	hook-lock @ hooks/state.c @ s/flock\(dir, LOCK_EX\) < 0 \|\| // @ incus/hook_waits_for_the_lock_of_an_instance @
	hook-state-directory @ hooks/state.c @ s/mkdirat\(top, name, 0700\)/mkdirat(top, name, 0755)/ @ incus/hook_keeps_its_state_to_itself @
	hook-state-file @ hooks/state.c @ s/^(\t+)0600\);/\10644);/ @ incus/hook_keeps_its_state_to_itself @
	hook-state-others @ hooks/state.c @ s/ \&\& !\(st\.st_mode \& 022\)// @ incus/hook_keeps_its_state_to_itself @
	hook-state-owner @ hooks/state.c @ s/ \&\& st\.st_uid == 0// @ incus/hook_keeps_its_state_to_itself @
	END
}

tree=$(mktemp -d "${TMPDIR:-/tmp}/stremio-shim-mutants.XXXXXX")
trap 'rm -rf "$tree"' EXIT
trap 'exit 130' INT TERM HUP PIPE
# The ids of containers have to come through it.
chmod 711 "$tree"
mkdir "$tree/build"
cp -a Makefile shim hooks tests incus-profile.yaml "$tree/"
for part in deps obj policy tests tools stremio-policy stremio-probe; do
	cp -a "${BUILD:-build}/$part" "$tree/build/"
done
# What of the hook's is there already need not be made again.
for part in asan hook unit images; do
	[ ! -d "${BUILD:-build}/$part" ] || cp -a "${BUILD:-build}/$part" "$tree/build/"
done
cd "$tree"
mkdir pristine
cp -a shim hooks pristine
BUILD=build
SHIM=build/stremio-shim
export BUILD SHIM

# programs_of WORDS: what these tests run.
programs_of() {
	case $1 in
	unit/*)
		program=${1#unit/}
		echo "build/unit/hook_${program%%.*}_test" ;;
	incus/*) echo build/stremio-shim build/stremio-hook ;;
	*) echo build/stremio-shim container-programs ;;
	esac
}

# build WORDS. A function that lost its only call is no error here.
build() {
	# shellcheck disable=SC2046
	${MAKE:-make} -s --no-print-directory WERROR= BUILD=build $(programs_of "$1") \
		> log 2>&1 || { sed 's/^/    | /' log >&2; return 1; }
}

# mutate FILE SCRIPT: false when the script changes nothing.
mutate() {
	sed -E -i "$2" "$1"
	! cmp -s "$1" "pristine/$1"
}

# Newer than its object, so that it is compiled again.
restore() {
	for file in "$@"; do
		cp "pristine/$file" "$file"
	done
}

# red WORDS: says which test failed; false when none did.
red() {
	case $1 in
	unit/*)
		program=${1#unit/}
		test=${program#*.}
		timeout 60 "build/unit/hook_${program%%.*}_test" > log 2>&1 || true
		killer=$(sed -n "s/^\[  FAILED  \] \($test\)\$/\1/p" log | head -n 1) ;;
	*)
		runner=tests/container/run.sh
		[ "$1" = "${1#incus/}" ] || runner=tests/incus/run.sh
		# shellcheck disable=SC2086
		CI='' FAIL_FAST=1 sh $runner ${1#incus/} > log 2>&1 || true
		killer=$(sed -n 's/^not ok [^.]*\.\([a-z0-9_]*\):.*/\1/p' log | head -n 1) ;;
	esac
	[ -n "$killer" ]
}

# green WORDS: ends it all unless every one of them is, and can be run at all.
green() {
	build "$1"
	if red "$1" || ! grep -qE '^(# passed failed skipped: [1-9][0-9]* 0 0|\[  PASSED  \] .*)$' log; then
		sed 's/^/    | /' log
		echo "mutants: these tests must be green before anything is removed: $1" >&2
		exit 1
	fi
}

# names_of TIER: of its tests, those that the chosen mutants name.
names_of() {
	cut -d@ -f4 list | tr ' ' '\n' | sed -n "s/^$1\///p" | sort -u
}

killed=0
survived=0
judge() {
	if ! build "$2"; then
		echo "SURVIVED $1: does not build, so nothing was shown"
		survived=$((survived + 1))
	elif red "$2"; then
		echo "killed   $1 (by $killer)"
		killed=$((killed + 1))
	else
		echo "SURVIVED $1 (tried $(sed -n 's/^# passed failed skipped: //p; s/^\[==========\] \([0-9]*\) test.s. run.*/\1/p' log) of: $2)"
		survived=$((survived + 1))
	fi
}

table | awk -v only="$only" 'index($1, only)' > list
grep -q . list || { echo "mutants: none has $only in its name" >&2; exit 1; }
! cut -d@ -f4 list | grep -qv / || green 'stop_runs no_privilege'
for name in $(names_of unit); do
	green "unit/$name"
done
[ -z "$(names_of incus)" ] || green "incus/$(names_of incus | paste -sd ' ' -)"
while IFS= read -r line; do
	name=$(printf "%s\n" "$line" | cut -d@ -f1 | tr -d ' ')
	file=$(printf "%s\n" "$line" | cut -d@ -f2 | tr -d ' ')
	script=$(printf "%s\n" "$line" | cut -d@ -f3 | sed 's/^ //; s/ $//')
	words=$(printf "%s\n" "$line" | cut -d@ -f4 | sed 's/^ //; s/ $//')
	blind=$(printf "%s\n" "$line" | cut -d@ -f5 | tr -d ' ')
	case $file in */*) ;; *) file=shim/$file ;; esac
	if ! mutate "$file" "$script"; then
		echo "SURVIVED $name: $script matches nothing in $file"
		survived=$((survived + 1))
		continue
	fi
	judge "$name" "$words" < /dev/null
	if [ "$blind" = blind ]; then
		sed -E -i '/verify_(privileges\(l|confinement\(status, e)/d' shim/become.c
		sed -E -i 's/verify_supervisor\(r->status, &r->expected, f\) < 0/0/' shim/retire.c
		sed -E -i 's/return r < 0 \? r : filter_try\(p, f\);/return r;/' shim/become.c
		judge "$name, verification removed too" "$words" < /dev/null
		restore shim/become.c shim/retire.c
	fi
	restore "$file"
done < list

echo "$((killed + survived)) mutants: $killed killed, $survived survived"
[ "$survived" = 0 ]
