#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # top and here are set by run.sh
#
# What goes wrong at a start gives one line on the console, the exit status of the table in
# Incus's log, and a stopped instance.

test_command_not_found_says_so() {
	instance bad -- /no/such/program
	fails_with bad 127 '/no/such/program.*No such file'
}

test_command_that_is_a_directory_says_so() {
	instance bad -- /etc
	fails_with bad 126 '/etc'
}

test_command_that_is_not_executable_says_so() {
	instance bad -- /etc/passwd
	fails_with bad 126 '/etc/passwd.*Permission denied'
}

test_script_with_a_missing_interpreter_says_so() {
	instance bad <<-'END'
	#!/no/such/interpreter
	END
	fails_with bad 126 '/bin/app.*interpreter'
}

test_unknown_option_says_so() {
	instance bad --no-such-option -- /bin/sleep 1000
	fails_with bad 64 'no-such-option'
}

test_unknown_user_says_so() {
	instance bad --user=nobody-here -- /bin/sleep 1000
	fails_with bad '(64|71)' 'nobody-here'
}

test_root_by_accident_is_refused() {
	instance bad --user=0 -- /bin/sleep 1000
	fails_with bad '(64|71)' 'root'
}

test_user_that_is_not_mapped_says_so() {
	# Quiet: it has more to say about a home and a runtime directory such a user cannot have.
	instance bad --quiet --user=70000 -- /bin/sleep 1000
	fails_with bad '(71|77)' '70000|map'
}

test_args_file_that_is_a_directory_says_so() {
	instance bad -- /bin/sleep 1000
	incus file delete bad/etc/stremio-shim.args
	incus file create -q --type=directory bad/etc/stremio-shim.args 2>/dev/null ||
		incus file push -q -r -p "$here" bad/etc/stremio-shim.args
	fails_with bad 71 'stremio-shim.args'
}

test_no_command_anywhere_says_so() {
	instance bad -- /bin/sleep 1000
	incus file delete bad/etc/stremio-shim.args
	fails_with bad 127 'stremio'
}

test_policy_that_is_missing_says_so() {
	instance bad --policy=/no/such.bpf -- /bin/sleep 1000
	fails_with bad '(64|71|77)' '/no/such.bpf'
}
