#!/usr/bin/env bash
# Runs the tests and says what became of each case.
#
#   tests/run.sh [--quick] [WORD...]      --quick: nothing that needs a test host, or says that it takes long;
#                                         WORD: only tests whose name contains it
#
# MV_BUILD is the build folder (build). MV_JOBS programs run at the same time (as many as there are CPUs), test hosts one
# by one. What runs, and where:
#
#   unit/X     build/tests/unit/test_X        cmocka programs
#   fuzz/X     build/tests/replay/fuzz_X      the fuzz target on tests/fuzz/corpus/fuzz_X and mutations of it
#   lua/X      tests/lua/X_spec.lua           by mvsh
#   host/X     tests/real/X.lua or X.sh       in the KVM test host, by mvsh or bash; as root, with real KVM
#   host/X     tests/real/X.outer.sh          outside, by bash: starts test hosts itself (power cuts)
#
# Every program speaks TAP: a plan `1..N` and N lines `ok K - name`, `not ok K - name` or `ok K - name # SKIP reason`;
# other lines are kept in build/tests/log/. Cases are counted, not programs. A program without a plan, with fewer or more
# results than planned, that fails without a failed case, crashes, or runs out of time, has one more failed case. What was
# skipped has not passed, and is not counted so.
#
# A test may say in its first lines what it needs (the default is shown):
#     limit: 60         seconds; 120 for lua/, 300 for host/ (the emulator is slow)
#     check: yes        no: only run when it is named, and counted as skipped otherwise
#     quick: yes        no: takes long, so not with --quick
#     host: --mem 4096  options of tests/hosts/kvmhost.sh
#
# The emulator below the test host loses a guest now and then (tests/hosts/host-init says how that is told from a fault
# of ours). Such a test is repeated in a fresh host, from its first case, which is said and counted; the third time that
# the emulator fails it, what is left of it is skipped: it has not passed. A host in which time runs out is tried once more,
# since the emulator has also been seen to stand still.
set -u
cd "$(dirname "$0")/.." || exit 1

build=${MV_BUILD:-build}
export MV_BUILD=$build
log=$build/tests/log
LOST=123 # what kvmhost.sh ends with when the emulator has lost a guest
passed=0 failed=0 skipped=0 repeated=0
quick=
words=()
for arg in "$@"; do
	case $arg in
	--quick) quick=1 ;;
	-*)
		echo "usage: tests/run.sh [--quick] [WORD...]" >&2
		exit 2
		;;
	*) words+=("$arg") ;;
	esac
done
parallel=${MV_JOBS:-$(nproc)}
started=0 shown=0
mkdir -p "$log"
rm -f "$log"/.result-*
set -m # what runs in the background keeps its SIGINT
trap 'trap - INT TERM; kill $(jobs -rp) 2>/dev/null; exit 130' INT TERM

# Reads TAP; writes "ok|FAIL|skip<tab>name<tab>reason" for each case, and one for the program where it broke the rules.
# cmocka 1.1 writes a skipped case as "not ok K # SKIP name", after what the test printed: a line "skip: reason" there is
# its reason.
read_tap() { # STATUS LIMIT FILE
	awk -v status="$1" -v limit="$2" '
	function result(kind, name, reason) {
		gsub(/\t/, " ", name); gsub(/\t/, " ", reason)
		printf "%s\t%s\t%s\n", kind, name, reason
	}
	function flush_failure() {
		if (failure != "") result("FAIL", failure, comment)
		failure = comment = ""
	}
	{ sub(/\r$/, "") }
	/^1\.\.[0-9]+/ {
		flush_failure()
		plans++
		planned += substr($0, 4) + 0
		if ($0 ~ /^1\.\.0.*# *[Ss][Kk][Ii][Pp]/) {
			sub(/^.*# *[Ss][Kk][Ii][Pp][a-zA-Z]*:? */, "")
			result("skip", "(all)", $0)
			all_skipped = 1
		}
		next
	}
	/^Bail out!/ { flush_failure(); bad++; result("FAIL", "(program)", $0); bailed = 1; next }
	/^(not )?ok( |$)/ {
		flush_failure()
		seen++
		not_ok = /^not /
		text = $0
		sub(/^(not )?ok *[0-9]* *(- *)?/, "", text)
		if (match(text, /# *[Ss][Kk][Ii][Pp]/)) {
			name = substr(text, 1, RSTART - 1)
			reason = substr(text, RSTART + RLENGTH)
			sub(/ +$/, "", name); sub(/^[: ]+/, "", reason)
			if (name == "") { name = reason; reason = why }
			result("skip", name, reason == "" ? "no reason given" : reason)
		} else if (not_ok) {
			bad++
			failure = text == "" ? "case " seen : text
		} else {
			result("ok", text == "" ? "case " seen : text, "")
		}
		why = ""
		next
	}
	/^skip: / { why = substr($0, 7); next }
	/^# / && failure != "" && $0 !~ /^# (not )?ok/ { comment = comment (comment == "" ? "" : "; ") substr($0, 3) }
	END {
		flush_failure()
		if (status == 124)
			result("FAIL", "(program)", "ran out of time (" limit " s), after " seen + 0 " of " planned + 0 " results")
		else if (status > 128 && status < 200)
			result("FAIL", "(program)", "killed by signal " status - 128 ", after " seen + 0 " of " planned + 0 " results")
		else if (!plans && !bailed)
			result("FAIL", "(program)", "printed no plan (exit status " status ")")
		else if (seen + 0 != planned + 0 && !bailed)
			result("FAIL", "(program)", "planned " planned + 0 " results, printed " seen + 0 " (exit status " status ")")
		else if (status != 0 && !bad)
			result("FAIL", "(program)", "exit status " status " without a failed case")
	}' "$3"
}

# option FILE KEY DEFAULT: the value of "KEY: value" in a comment among the first lines of a test.
option() {
	local value
	value=$(head -n 12 "$1" | sed -n "s/^[-#/* ]*$2: *\([^*]*[^* ]\).*/\1/p" | head -1)
	echo "${value:-$3}"
}

wanted() {
	local word
	[ ${#words[@]} -gt 0 ] || return 0
	for word in "${words[@]}"; do
		case $1 in *"$word"*) return 0 ;; esac
	done
	return 1
}

# Prints the results that are there, in the order in which the programs were started, and counts them.
show_finished() {
	local line
	while [ -e "$log/.result-$((shown + 1))" ]; do
		shown=$((shown + 1))
		while IFS= read -r line; do
			case $line in
			"ok  "*) passed=$((passed + 1)) ;;
			"skip "*) skipped=$((skipped + 1)) ;;
			"FAIL "*) failed=$((failed + 1)) ;;
			"note "*) repeated=$((repeated + 1)) ;;
			esac
			printf '%s\n' "$line"
		done <"$log/.result-$shown"
		rm -f "$log/.result-$shown"
	done
}

# Waits until fewer than N programs run.
wait_until_below() { # N
	while [ "$(jobs -rp | wc -l)" -ge "$1" ]; do
		wait -n
		show_finished
	done
	show_finished
}

# run NAME LIMIT COMMAND...      (LIMIT+GRACE: the command keeps LIMIT itself, and is killed GRACE seconds later)
run() {
	local result
	wait_until_below "$parallel"
	started=$((started + 1))
	result=$log/.result-$started
	{ run_one "$@" >"$result.new" && mv "$result.new" "$result"; } &
}

run_one() {
	local name=$1 limit=${2%+*} grace=0 file kind case reason status start=$SECONDS any_failed= tries=0 why
	case $2 in *+*) grace=${2#*+} ;; esac
	shift 2
	file=$log/${name//\//-}.tap
	while :; do
		tries=$((tries + 1))
		CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 5 $((limit + grace)) "$@" >"$file" 2>&1 </dev/null
		status=$?
		why=
		case $status in
		"$LOST") [ "$tries" -lt 3 ] && why="the emulator lost a guest" ;;
		124 | 137) [ "$tries" = 1 ] && why="its time was over" ;;
		esac
		[ "$grace" != 0 ] && [ -n "$why" ] || break
		echo "note $name: repeated, because $why after $((SECONDS - start)) s"
	done
	while IFS=$'\t' read -r kind case reason; do
		if [ "$kind" = FAIL ] && [ "$case" = "(program)" ] && [ "$status" = "$LOST" ] && [ "$grace" != 0 ]; then
			kind=skip
			reason="the emulator lost a guest in each of $tries tries"
		fi
		[ "$kind" = FAIL ] && any_failed=1
		printf '%-4s %s: %s%s\n' "$kind" "$name" "$case" "${reason:+ ($reason)}"
	done < <(read_tap "$status" "$limit" "$file")
	if [ -n "$any_failed" ]; then
		echo "     the last lines of $file, $((SECONDS - start)) s:"
		tail -n 25 "$file" | cut -c1-300 | sed 's/^/     | /'
	fi
	return 0
}

run_host() { # NAME FILE COMMAND...
	local name=$1 file=$2 limit
	shift 2
	limit=$(option "$file" limit 300)
	# The test host gets the limit itself, so that it can say so; outside there is some time for it to start and end.
	# shellcheck disable=SC2046 # options are words
	run "$name" "$limit+60" tests/hosts/kvmhost.sh run --watch --timeout "$limit" $(option "$file" host "") -- "$@"
}

# The test host and the guests' kernel, made on first use.
kit=
have_kit() {
	[ -n "$kit" ] && return 0
	if ! { tests/hosts/kvmhost.sh build && tests/hosts/guestkit.sh; }; then
		echo "FAIL host: the test host or the guest kit could not be built"
		failed=$((failed + 1))
		return 1
	fi
	kit=ready
}

# A whole run makes them first: some unit tests look at Debian's kernel where it is there.
host_tests=1
if [ -z "$quick" ] && [ ${#words[@]} = 0 ]; then
	have_kit || host_tests=
fi

for program in "$build"/tests/unit/test_*; do
	[ -x "$program" ] || continue
	name=${program##*/test_}
	source=tests/unit/test_$name.c
	# A program whose source is gone is left over from an older build.
	[ -e "$source" ] || continue
	[ -n "$quick" ] && [ "$(option "$source" quick yes)" = no ] && continue
	wanted "unit/$name" && run "unit/$name" "$(option "$source" limit 60)" "$program"
done

for source in tests/fuzz/fuzz_*.c; do
	[ -e "$source" ] || continue
	name=${source##*/}
	name=${name%.c}
	wanted "fuzz/${name#fuzz_}" &&
		run "fuzz/${name#fuzz_}" "$(option "$source" limit 60)" "$build/tests/replay/$name" "tests/fuzz/corpus/$name"
done

for spec in tests/lua/*_spec.lua; do
	[ -e "$spec" ] || continue
	name=${spec##*/}
	name=lua/${name%_spec.lua}
	wanted "$name" && run "$name" "$(option "$spec" limit 120)" "$build/mvsh" "$spec"
done

# Each command line there is a case, run by virsh and by us.
for list in tests/parity/*.txt; do
	[ -e "$list" ] || continue
	name=${list##*/}
	name=${name%.txt}
	wanted "parity/$name" && run "parity/$name" "$(option "$list" limit 120)" "$build/mvsh" tests/parity/run.lua "$name"
done
wanted parity/coverage && run parity/coverage 60 "$build/mvsh" tests/parity/run.lua --coverage

wait_until_below 1
parallel=1
if [ -z "$quick" ] && [ -n "$host_tests" ]; then
	for test in tests/real/*.lua tests/real/*.sh; do
		[ -e "$test" ] || continue
		name=${test##*/}
		# Files with a leading underscore, or in other folders, are what tests share.
		case $name in _*) continue ;; esac
		name=host/${name%%.*}
		wanted "$name" || continue
		if [ ${#words[@]} = 0 ] && [ "$(option "$test" check yes)" = no ]; then
			echo "skip $name: (program) (only run when it is named: make check TESTS=$name)"
			skipped=$((skipped + 1))
			continue
		fi
		have_kit || break
		case $test in
		*.outer.sh) run "$name" "$(option "$test" limit 300)" bash "$test" ;;
		*.lua) run_host "$name" "$test" "$build/mvsh" "$test" ;;
		*.sh) run_host "$name" "$test" bash "$test" ;;
		esac
	done
fi

wait_until_below 1
if [ "$shown" != "$started" ]; then
	echo "FAIL $((started - shown)) programs gave no result"
	failed=$((failed + 1))
fi
if [ $((passed + failed + skipped)) = 0 ]; then
	echo "FAIL there was nothing to run"
	failed=1
fi
[ "$repeated" = 0 ] || echo "$repeated times a test file was repeated in a fresh test host (the notes say why)"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
