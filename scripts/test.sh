#!/bin/bash
# Sets everything up and runs all tests. The last line counts them; the exit status is 1 when one
# failed.
#
#   scripts/test.sh [STAGE...]     stages: gcc clang asan tsan valgrind emulate; default all
#
# gcc       the normal build, warnings are errors: every suite, with libtorch and the Python oracles
# clang     the same sources with clang, warnings are errors: unit suites
# asan      AddressSanitizer and UndefinedBehaviorSanitizer, the plug-in for libtorch too: unit, fault,
#           fuzz and conformance suites, a training through the tool
# tsan      ThreadSanitizer: what uses threads
# valgrind  memory of the small suites in the normal build
# emulate   engine native of the normal build on an emulated CPU with AVX-512 and its VNNI
#
# DOGBREED_ORACLE_PYTHON=FILE  a Python with torch, torchvision, Pillow, safetensors, numpy and
#                              scikit-learn; default: one is made once in the cache folder
# DOGBREED_OPTUNA4_PYTHON=FILE, DOGBREED_OPTUNA5_PYTHON=FILE
#                              Pythons with Optuna 4.9 and 5; made in the same way
# DOGBREED_TENSORBOARD_PYTHON=FILE  a Python with TensorBoard; made in the same way
# DOGBREED_SMDEBUG_PYTHON=FILE  a Python with smdebug, SageMaker Debugger's library; made in the same way
# DOGBREED_API_PYTHON=FILE      a Python with schemathesis and openapi-spec-validator; made in the same way
# DOGBREED_SERVE_PYTHON=FILE    a Python with tritonclient[http], requests, requests-toolbelt; made in the same way
# DOGBREED_S3_PYTHON=FILE      a Python with boto3, moto, awscli and s3cmd; made in the same way
# DOGBREED_LAUNCH_PYTHON=FILE  a Python with the SageMaker SDK and moto; made in the same way
# DOGBREED_SAGEMAKER_PYTHON=FILE  a Python with the SageMaker training toolkit; made in the same way
# DOGBREED_BROWSER_PYTHON=FILE  a Python with playwright, which drives the installed chromium; made in the same way
# DOGBREED_ORACLE=off          leave the oracle suite out
# shellcheck disable=SC2317 # stages are called by name
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

cache=${DOGBREED_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dogbreed}
torch_version=2.15.0
optuna_packages=(psycopg2-binary pandas scikit-learn optuna-dashboard)
s3_packages=(awscli==1.46.3 boto3 'moto[s3]==5.2.5' flask flask-cors s3cmd==2.4.0)
launch_packages=(sagemaker==2.257.7 'moto[s3]==5.2.5' flask flask-cors)
smdebug_packages=(smdebug==1.0.12 protobuf==3.20.3 numpy==1.23.5 requests) # it is of 2021
serve_packages=("tritonclient[http]==2.73.0" requests==2.34.2 requests-toolbelt==1.0.0 numpy==2.4.6)
oracle_packages=("torch==$torch_version" torchvision pillow safetensors numpy scikit-learn)
stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=(gcc clang asan tsan valgrind emulate)
passed=0
failed=0
skipped=0
began=$SECONDS

say() {
    printf '\n== %s (%d s)\n' "$*" $((SECONDS - began))
}

finish() {
    printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    [ "$failed" -eq 0 ]
    exit
}

broken() { # a stage that could not even start
    printf '%s\n' "$*"
    failed=$((failed + 1))
    finish
}

# Adds the results of the last `meson test` in a build folder. A test that died without a result
# counts as failed.
count() {
    local numbers
    # one report: meson adds a wrapper's name to that of the file
    numbers=$(python3 - "$1"/meson-logs/testlog*.junit.xml <<'PYTHON'
import sys
import xml.etree.ElementTree as tree

passed = failed = skipped = 0
for suite in tree.parse(sys.argv[1]).getroot().iter("testsuite"):
    cases = suite.findall("testcase")
    bad = [c for c in cases if c.find("failure") is not None or c.find("error") is not None]
    left_out = [c for c in cases if c.find("skipped") is not None]
    failed += len(bad)
    skipped += len(left_out)
    passed += len(cases) - len(bad) - len(left_out)
    if not bad and int(suite.get("failures", 0)) + int(suite.get("errors", 0)) > 0:
        failed += 1
print(passed, failed, skipped)
PYTHON
    ) || numbers="0 1 0"
    read -r p f s <<<"$numbers"
    passed=$((passed + p))
    failed=$((failed + f))
    skipped=$((skipped + s))
    printf '%d passed, %d failed, %d skipped\n' "$p" "$f" "$s"
    # meson's own verdict covers what the report cannot show (a crash between two results).
    if [ "$2" -ne 0 ] && [ "$f" -eq 0 ]; then
        failed=$((failed + 1))
        echo "meson test ended with status $2"
    fi
}

# run_tests BUILD [ARGUMENTS OF meson test...]
run_tests() {
    local build=$1 status=0
    shift
    rm -f "$build"/meson-logs/testlog*.junit.xml
    meson test -C "$build" --print-errorlogs --no-rebuild "$@" </dev/null || status=$?
    count "$build" "$status"
}

configure() { # configure BUILD ENVIRONMENT... -- OPTIONS...
    local build=$1 environment=()
    shift
    while [ "$1" != -- ]; do
        environment+=("$1")
        shift
    done
    shift
    if [ ! -f "$build/build.ninja" ]; then
        env "${environment[@]}" meson setup "$build" "$@" </dev/null >/dev/null || return 1
    else # by an earlier state of this script, maybe
        meson configure "$build" "$@" </dev/null >/dev/null || return 1
    fi
    ninja -C "$build" </dev/null | tail -n 3
    return "${PIPESTATUS[0]}"
}

# Names of tests whose suite:name matches a pattern.
tests_like() {
    meson test -C "$1" --list --suite unit 2>/dev/null | sed -n 's/.* \/ //p' | grep -E "$2"
}

# make_oracle NAME SIZE PACKAGES...: the Python of an environment in the cache folder
make_oracle() {
    local home name=$1 size=$2 links=() progress=()
    shift 2
    [ -t 2 ] || progress=(--quiet)
    home=$cache/$name-$(printf '%s\n' "$@" | sha256sum | cut -c1-12)
    if [ ! -x "$home/bin/python" ]; then
        say "making the environment $home ($size, once)" >&2
        rm -rf "$home.part"
        [ ! -d "$cache/wheels" ] || links=(--find-links "$cache/wheels")
        python3 -m venv "$home.part" >&2 &&
            PIP_USER=0 "$home.part/bin/python" -m pip install "${progress[@]}" --no-cache-dir --disable-pip-version-check \
                "${links[@]}" "$@" >&2 </dev/null || return 1
        mv -T "$home.part" "$home" || return 1
    fi
    printf '%s\n' "$home/bin/python"
}

# need_oracle VARIABLE NAME SIZE PACKAGES...: makes the environment unless the variable names a Python
need_oracle() {
    local variable=$1 python
    shift
    if [ -z "${!variable:-}" ]; then
        python=$(make_oracle "$@") || broken "the oracle environment cannot be made; DOGBREED_ORACLE=off leaves it out"
        export "$variable=$python"
    fi
}

stage_gcc() {
    say "gcc: all suites"
    if [ "${DOGBREED_ORACLE:-on}" = off ]; then
        unset DOGBREED_ORACLE_PYTHON DOGBREED_OPTUNA4_PYTHON DOGBREED_OPTUNA5_PYTHON DOGBREED_TENSORBOARD_PYTHON \
            DOGBREED_SMDEBUG_PYTHON DOGBREED_SAGEMAKER_PYTHON DOGBREED_BROWSER_PYTHON \
            DOGBREED_API_PYTHON DOGBREED_SERVE_PYTHON DOGBREED_S3_PYTHON DOGBREED_LAUNCH_PYTHON
        echo "the oracle suite is left out (DOGBREED_ORACLE=off)"
    else
        need_oracle DOGBREED_ORACLE_PYTHON oracle "several GB" "${oracle_packages[@]}"
        rm -rf "$cache/wheels"
        need_oracle DOGBREED_OPTUNA4_PYTHON optuna "450 MB" optuna==4.9.0 "${optuna_packages[@]}"
        need_oracle DOGBREED_OPTUNA5_PYTHON optuna "450 MB" optuna==5.0.0 "${optuna_packages[@]}"
        need_oracle DOGBREED_TENSORBOARD_PYTHON tensorboard "170 MB" tensorboard==2.21.0
        need_oracle DOGBREED_SMDEBUG_PYTHON smdebug "130 MB" "${smdebug_packages[@]}"
        need_oracle DOGBREED_S3_PYTHON s3 "300 MB" "${s3_packages[@]}"
        need_oracle DOGBREED_LAUNCH_PYTHON launch "380 MB" "${launch_packages[@]}"
        need_oracle DOGBREED_SAGEMAKER_PYTHON sagemaker "350 MB" sagemaker-training==5.1.4
        need_oracle DOGBREED_BROWSER_PYTHON browser "150 MB" playwright==1.65.2
        need_oracle DOGBREED_API_PYTHON api "110 MB" schemathesis==4.32.5 openapi-spec-validator==0.9.0
        need_oracle DOGBREED_SERVE_PYTHON serve "170 MB" "${serve_packages[@]}"
    fi
    run_tests build
}

stage_clang() {
    say "clang: unit suites"
    configure build-clang CC=clang CXX=clang++ -- -Dwerror=true "${torch_options[@]}" ||
        broken "clang: the build failed"
    run_tests build-clang --suite unit
}

stage_asan() {
    say "ASan + UBSan: unit, fault, fuzz and conformance suites, a training with libtorch"
    # libtorch itself is not instrumented, and nothing of it has to be suppressed.
    configure build-asan -- -Db_sanitize=address,undefined -Db_lundef=false \
        "${torch_options[@]}" || broken "asan: the build failed"
    # intercept_tls_get_addr=0: the runtimes of gcc up to 13 take what lies before a thread's variables for a header of an
    # older glibc where its address looks like that, and their leak check then crashes at the end of a healthy program.
    UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 LSAN_OPTIONS=suppressions=$PWD/tests/suppressions/lsan.txt \
        ASAN_OPTIONS=allocator_may_return_null=1:detect_stack_use_after_return=1:strict_string_checks=1:intercept_tls_get_addr=0 \
        run_tests build-asan --suite unit --suite fault --suite fuzz --suite conformance --suite example \
        --timeout-multiplier 5
}

stage_tsan() {
    say "TSan: what uses threads"
    configure build-tsan -- -Db_sanitize=thread -Db_lundef=false -Dengine_torch=disabled ||
        broken "tsan: the build failed"
    mapfile -t names < <(tests_like build-tsan 'thread|team|native|loader|hash|feature|trainer|predictor|engine|evaluate|log|error|study_study|tuner_workers|program_|core_span|debug_attach|debug_rule_stalled|profile_profile|profile_sample|serve_(async_table|batcher|functions|load|reaper|server|spare)')
    TSAN_OPTIONS=halt_on_error=1 run_tests build-tsan "${names[@]}" --timeout-multiplier 10
}

stage_valgrind() {
    say "valgrind: memory of the small suites"
    # options_info opens libtorch, which is not ours to check.
    mapfile -t names < <(tests_like build 'core|graph|weights|arch|model|dataset|event|options_options|image|study_(study|distribution)|tuner_ask|tensorboard|record|debug_(collection|rule.*)|profile_(account|read|rules)|report_.*_absent|engine_native.*')
    # libjpeg-turbo's SIMD code computes on padding that nothing has written, which valgrind cannot
    # tell from a mistake: plain C on both sides here; the sanitizers have seen the fast paths.
    # Tests of the native engine set DOGBREED_CPU themselves; one of 23 of their cases is run: a prime,
    # so that no side of a table is left out.
    JSIMD_FORCENONE=1 DOGBREED_CPU=c DOGBREED_TEST_SHORT=23 run_tests build "${names[@]}" --timeout-multiplier 20 \
        --wrap='valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite'
}

# Every tile of the kernels and a part of the other cases, as many as fit into five minutes.
stage_emulate() {
    say "emulated CPU: engine native with AVX-512 and its VNNI"
    local tap status=0 p f
    tap=$(mktemp)
    scripts/emulate.sh DOGBREED_TEST_SET=avx512 DOGBREED_TEST_INT8=avx512vnni \
        DOGBREED_TEST_SHORT=25 engine_native engine_native_blocks engine_native_bits engine_native_cache \
        engine_native_train conformance_native_avx512 \
        DOGBREED_TEST_SHORT=40 engine_native_winograd DOGBREED_TEST_SHORT=9 engine_native_sizes \
        DOGBREED_TEST_SHORT=7 engine_native_int8 engine_native_heads_avx512 </dev/null | tee "$tap" || status=$?
    p=$(grep -c '^ok ' "$tap")
    f=$(grep -c '^not ok ' "$tap")
    rm -f "$tap"
    passed=$((passed + p))
    failed=$((failed + f))
    if [ "$status" -eq 77 ]; then
        skipped=$((skipped + 1))
    elif [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
        failed=$((failed + 1))
    fi
    printf '%d passed, %d failed on the emulated CPU\n' "$p" "$f"
}

say "set-up"
if [ -z "${DOGBREED_ORACLE_PYTHON:-}" ] && [ "${DOGBREED_ORACLE:-on}" != off ]; then
    export DOGBREED_WHEELS=$cache/wheels # the oracle environment uses the same wheel of torch
fi
setup=(--test --werror)
[ "${DOGBREED_TORCH:-on}" = off ] || setup+=(--torch)
scripts/setup.sh "${setup[@]}" || broken "set-up failed"
torch_options=(-Dengine_torch=disabled)
if [ "${DOGBREED_TORCH:-on}" != off ]; then
    torch_root=$(scripts/torch.sh) || broken "libtorch is not usable"
    torch_options=(-Dengine_torch=enabled "-Dtorch_root=$torch_root")
fi

for stage in "${stages[@]}"; do
    case $stage in
    gcc | clang | asan | tsan | valgrind | emulate) "stage_$stage" ;;
    *) broken "test.sh: $stage: unknown stage; expected gcc, clang, asan, tsan, valgrind or emulate" ;;
    esac
done
finish
