// Files in trouble: locked, full, foreign, damaged, of another revision; workers that are killed;
// memory that fails.
#include "../out_of_memory.h"
#include "study_test.h"

#include <dogbreed/common.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void refused(const char *file, int code, const char *part) {
    dogb_study *study = NULL;
    dogb_study_conf conf = conf_of(file);
    assert_fails(dogb_study_open(&study, &conf), code, part);
    assert_null(study);
}

static void other_revisions_are_refused(void **state) {
    (void)state;
    dogb_study_close(open_study("revision.db"));
    (void)ask("revision.db", "UPDATE alembic_version SET version_num = 'v9.9.9'");
    refused("revision.db", DOGBREED_ERROR_UNSUPPORTED, "v9.9.9");
    assert_rows("revision.db", "SELECT version_num FROM alembic_version", "v9.9.9");
}

static void other_files_are_refused(void **state) {
    (void)state;
    assert_ok(dogb_file_put(scratch("text.db"), "this is not a database, it is text\n", 35));
    refused("text.db", DOGBREED_ERROR_FORMAT, "text.db: not a SQLite database");
    refused(".", DOGBREED_ERROR_IO, "cannot be opened");
    dogb_study_close(open_study("two.db"));
    (void)ask("two.db", "INSERT INTO study_directions (direction, study_id, objective) "
                        "VALUES ('MINIMIZE', 1, 1)");
    refused("two.db", DOGBREED_ERROR_UNSUPPORTED, "2 objectives");
}

static void damaged_file_is_an_error(void **state) {
    (void)state;
    dogb_study *study = open_study("damaged.db");
    for (int i = 0; i < 50; i++) {
        (void)add_trial(study);
    }
    dogb_study_close(study);
    (void)ask("damaged.db", "PRAGMA wal_checkpoint(TRUNCATE)");
    FILE *file = fopen(scratch("damaged.db"), "r+b");
    assert_non_null(file);
    for (long at = 4096; at < 4096 * 40; at += 512) {
        (void)fseek(file, at, SEEK_SET);
        (void)fwrite("garbage garbage garbage", 1, 23, file);
    }
    (void)fclose(file);
    dogb_study_conf conf = conf_of("damaged.db");
    dogb_study *again = NULL;
    int rc = dogb_study_open(&again, &conf);
    dogb_arena arena = {0};
    const dogb_study_trial *trials = NULL;
    int64_t count = 0;
    if (rc == DOGBREED_OK) {
        rc = dogb_study_trials(&trials, &count, again, &arena);
    }
    assert_int_equal(rc, DOGBREED_ERROR_FORMAT);
    assert_non_null(strstr(dogbreed_error_message(), "damaged.db"));
    dogb_study_close(again);
    dogb_arena_free(&arena);
}

// A child that runs fn and says so through the pipe when it is ready.
static pid_t child(void (*fn)(int ready, const char *path), int *ready, const char *path) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        fn(ends[1], path);
        _exit(0);
    }
    (void)close(ends[1]);
    *ready = ends[0];
    char byte;
    assert_int_equal(read(ends[0], &byte, 1), 1);
    return pid;
}

static void hold_the_lock(int ready, const char *path) {
    sqlite3 *db = NULL;
    (void)sqlite3_open(path, &db);
    (void)sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    (void)!write(ready, "r", 1);
    wait_ms(700);
    (void)sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    (void)sqlite3_close(db);
}

static void lock_of_another_process_is_waited_for(void **state) {
    (void)state;
    dogb_study_conf conf = conf_of("locked.db");
    dogb_study *patient = open_study("locked.db");
    dogb_study *hasty = NULL;
    conf.timeout = 0.1;
    assert_ok(dogb_study_open(&hasty, &conf));
    int ready = -1;
    pid_t pid = child(hold_the_lock, &ready, scratch("locked.db"));
    assert_fails(dogb_study_add(hasty, NULL, NULL, -1, DOGB_TRIAL_RUNNING, NULL, 0, NULL),
                 DOGBREED_ERROR_IO, "locked by another process for more than 0.1 s");
    dogb_arena arena = {0};
    const dogb_study_trial *trials = NULL;
    int64_t count = -1;
    assert_ok(dogb_study_trials(&trials, &count, hasty, &arena)); // reading needs no lock
    assert_int_equal(count, 0);
    (void)add_trial(patient); // waits
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(ready);
    (void)add_trial(hasty); // and is usable afterwards
    assert_rows("locked.db", "SELECT number FROM trials ORDER BY trial_id", "0;1");
    dogb_arena_free(&arena);
    dogb_study_close(hasty);
    dogb_study_close(patient);
}

static void work_until_killed(int ready, const char *path) {
    dogb_study_conf conf = {.url = path, .name = "dogs", .heartbeat = 0.2};
    dogb_study *study = NULL;
    if (dogb_study_open(&study, &conf) < 0) {
        return;
    }
    for (int i = 0;; i++) {
        int64_t id = 0;
        if (dogb_study_add(study, &id, NULL, -1, DOGB_TRIAL_RUNNING, three_params, 3, NULL) < 0 ||
            dogb_study_report(study, id, 1, i) < 0 ||
            dogb_study_tell(study, id, DOGB_TRIAL_COMPLETE, i) < 0) {
            return;
        }
        (void)!write(ready, "t", 1); // told: this one must not be lost
    }
}

static void killed_workers_lose_nothing(void **state) {
    (void)state;
    dogb_study *study = open_study("killed.db");
    long told = 0;
    for (int round = 0; round < 10; round++) {
        int ready = -1;
        pid_t pid = child(work_until_killed, &ready, scratch("killed.db"));
        wait_ms(2 + 2 * round);
        assert_int_equal(kill(pid, SIGKILL), 0);
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        char bytes[4096];
        for (ssize_t count = 1; count > 0; told += count) {
            count = read(ready, bytes, sizeof bytes);
        }
        told++; // the byte that child() has read
        (void)close(ready);
        (void)add_trial(study);
    }
    dogb_arena arena = {0};
    const dogb_study_trial *trials = NULL;
    int64_t count = 0;
    int64_t complete = 0;
    assert_ok(dogb_study_trials(&trials, &count, study, &arena));
    for (int64_t i = 0; i < count; i++) {
        assert_int_equal(trials[i].number, i);
        assert_int_equal(trials[i].param_count, 3);
        complete += trials[i].state == DOGB_TRIAL_COMPLETE;
    }
    assert_true(complete >= told && complete <= told + 10);
    assert_true(told > 10);
    dogb_arena_free(&arena);
    dogb_study_close(study);
    assert_rows("killed.db", "PRAGMA integrity_check", "ok");
}

static void full_disk_is_an_error_and_passes(void **state) {
    (void)state;
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    dogb_study *study = open_study("full.db");
    (void)signal(SIGXFSZ, SIG_IGN); // a write past the limit fails, as on a full disk
    struct rlimit small = {.rlim_cur = 300000, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = 0;
    int64_t added = 0;
    while (rc == 0 && added < 100000) {
        rc = dogb_study_add(study, NULL, NULL, -1, DOGB_TRIAL_RUNNING, three_params, 3, NULL);
        added += rc == 0;
    }
    assert_int_equal(rc, DOGBREED_ERROR_IO);
    assert_non_null(strstr(dogbreed_error_message(), "full.db: "));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    (void)add_trial(study); // room again
    dogb_arena arena = {0};
    const dogb_study_trial *trials = NULL;
    int64_t count = 0;
    assert_ok(dogb_study_trials(&trials, &count, study, &arena));
    assert_int_equal(count, added + 1);
    assert_int_equal(trials[count - 1].number, added);
    dogb_arena_free(&arena);
    dogb_study_close(study);
}

static sqlite3_mem_methods plain_memory;

static void *sqlite_allocate(int size) {
    return memory_fails((size_t)size, NULL) ? NULL : plain_memory.xMalloc(size);
}

static void *sqlite_reallocate(void *pointer, int size) {
    return memory_fails((size_t)size, NULL) ? NULL : plain_memory.xRealloc(pointer, size);
}

static int everything(const char *file) {
    dogb_study_conf conf = conf_of(file);
    dogb_study *study = NULL;
    dogb_arena arena = {0};
    const dogb_study_trial *trials = NULL;
    int64_t count = 0;
    int64_t id = 0;
    conf.heartbeat = 1000;
    int rc = dogb_study_open(&study, &conf);
    if (rc < 0 ||
        (rc = dogb_study_add(study, &id, NULL, -1, DOGB_TRIAL_RUNNING, three_params, 3,
                             "{\"a\": [1]}")) < 0 ||
        (rc = dogb_study_report(study, id, 1, 0.5)) < 0 ||
        (rc = dogb_study_attribute(study, id, 1, "s", "\"text\"")) < 0 ||
        (rc = dogb_study_tell(study, id, DOGB_TRIAL_PRUNED, NAN)) < 0 ||
        (rc = dogb_study_add(study, NULL, NULL, -1, DOGB_TRIAL_WAITING, three_params, 3, NULL)) <
            0 ||
        (rc = dogb_study_take_waiting(study, &id, NULL)) < 0 ||
        (rc = dogb_study_reap(study, -1, NULL)) < 0) {
        goto out;
    }
    rc = dogb_study_trials(&trials, &count, study, &arena);
out:
    dogb_arena_free(&arena);
    dogb_study_close(study);
    return rc;
}

static void every_failed_allocation_is_survived(void **state) {
    (void)state;
    int failures = 0;
    int at = 0;
    for (int more = 1; more; at++) {
        char file[40];
        (void)snprintf(file, sizeof file, "memory%d.db", at % 2);
        if (at % 2 == 0) { // a new file and one that is there
            (void)unlink(scratch("memory0.db"));
        }
        memory_fail_after(at < 100 ? at : 100 + (at - 100) * 17); // a second or two
        int rc = everything(file);
        more = memory_restore();
        failures += rc < 0;
        // jansson's reader drops a byte when it cannot grow its buffer: the text is then malformed.
        if (rc < 0 && rc != DOGBREED_ERROR_NO_MEMORY && rc != DOGBREED_ERROR_FORMAT) {
            fail_msg("allocation %d: %s: %s", at, dogbreed_error_name(rc),
                     dogbreed_error_message());
        }
    }
    print_message("# %d rounds, %d errors\n", at, failures);
    assert_true(failures > 100);
    atomic_store(&memory_left, -1);
    assert_ok(everything("memory1.db"));
    assert_rows("memory1.db", "PRAGMA integrity_check", "ok");
}

int main(void) {
    // Before SQLite starts: its allocations fail like all others.
    (void)sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain_memory);
    sqlite3_mem_methods failing = plain_memory;
    failing.xMalloc = sqlite_allocate;
    failing.xRealloc = sqlite_reallocate;
    (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
    atomic_store(&memory_left, -1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_revisions_are_refused),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(damaged_file_is_an_error),
        cmocka_unit_test(lock_of_another_process_is_waited_for),
        cmocka_unit_test(killed_workers_lose_nothing),
        cmocka_unit_test(full_disk_is_an_error_and_passes),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
