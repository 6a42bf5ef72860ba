#define _GNU_SOURCE // F_OFD_SETLK
// sqlite.c - the driver for SQLite files. Write-ahead log and synchronous=NORMAL on local disks:
// kill -9 loses nothing that was committed, a power cut at most the last transactions.
#include "core/error.h"
#include "core/file.h"
#include "study/db.h"
#include "study/schema.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { COPY_WAIT = 30000 }; // ms, for a writer to end

typedef struct prepared {
    const char *sql;
    sqlite3_stmt *statement;
} prepared;

typedef struct sqlite_db {
    dogb_db base;
    dogb_arena *arena;
    sqlite3 *handle;
    sqlite3_stmt *current;
    prepared *cache;
    size_t count;
    size_t capacity;
    int claims; // file of the claims, a byte for each trial; -1: not open
    int reserved;
} sqlite_db;

static const char *const dialect[DOGB_SQL_COUNT] = {
    [DOGB_SQL_LOCK_SCHEMA] = "SELECT 1", // BEGIN IMMEDIATE holds the whole file
    [DOGB_SQL_TABLES] = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name IN ("
                        "'studies', 'version_info', 'study_directions', 'study_user_attributes', "
                        "'study_system_attributes', 'trials', 'trial_user_attributes', "
                        "'trial_system_attributes', 'trial_params', 'trial_values', "
                        "'trial_intermediate_values', 'trial_heartbeats', 'alembic_version')",
    [DOGB_SQL_LOCK_STUDY] = "SELECT study_id FROM studies WHERE study_id = $1",
    [DOGB_SQL_LOCK_TRIAL] = "SELECT state FROM trials WHERE trial_id = $1 AND study_id = $2",
    [DOGB_SQL_REPORT] = DOGB_REPORT_SQL("$3"),
    [DOGB_SQL_STALE] = "SELECT t.trial_id FROM trials t JOIN trial_heartbeats h "
                       "ON h.trial_id = t.trial_id WHERE t.study_id = $1 AND t.state = 'RUNNING' "
                       "AND julianday('now') - julianday(h.heartbeat) > $2 / 86400.0 "
                       "ORDER BY t.trial_id",
};

static int fail(sqlite_db *db, int code) {
    static const struct {
        int code;
        int rc;
        const char *text;
    } kinds[] = {
        {SQLITE_NOMEM, DOGBREED_ERROR_NO_MEMORY, "out of memory"},
        {SQLITE_FULL, DOGBREED_ERROR_IO, "the disk is full"},
        {SQLITE_NOTADB, DOGBREED_ERROR_FORMAT, "not a SQLite database"},
        {SQLITE_CORRUPT, DOGBREED_ERROR_FORMAT, "damaged"},
        {SQLITE_READONLY, DOGBREED_ERROR_IO, "may not be written"},
        {SQLITE_CANTOPEN, DOGBREED_ERROR_IO, "cannot be opened"},
    };
    db->base.failure = DOGB_DB_FAILED;
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
        return dogb_fail(DOGBREED_ERROR_IO, "%s: locked by another process for more than %g s",
                         db->base.name, db->base.timeout);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].code == (code & 0xff)) {
            return dogb_fail(kinds[i].rc, "%s: %s", db->base.name, kinds[i].text);
        }
    }
    return dogb_fail(DOGBREED_ERROR_IO, "%s: %s", db->base.name,
                     db->handle == NULL ? sqlite3_errstr(code) : sqlite3_errmsg(db->handle));
}

// SQLite numbers $1, $2, ... as they come in the text.
static int in_order(sqlite3_stmt *statement) {
    for (int i = 1; i <= sqlite3_bind_parameter_count(statement); i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "$%d", i);
        if (strcmp(sqlite3_bind_parameter_name(statement, i), name) != 0) {
            return 0;
        }
    }
    return 1;
}

static int prepare(sqlite_db *db, sqlite3_stmt **out, const char *sql) {
    for (size_t i = 0; i < db->count; i++) {
        if (db->cache[i].sql == sql) {
            *out = db->cache[i].statement;
            return DOGBREED_OK;
        }
    }
    int rc = dogb_grow(db->arena, &db->cache, &db->capacity, db->count, sizeof *db->cache);
    if (rc < 0) {
        db->base.failure = DOGB_DB_FAILED;
        return rc;
    }
    int code = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    if (code != SQLITE_OK) {
        return fail(db, code);
    }
    assert(in_order(*out));
    db->cache[db->count++] = (prepared){.sql = sql, .statement = *out};
    return DOGBREED_OK;
}

static int bind(sqlite3_stmt *statement, int index, const dogb_cell *cell) {
    switch (cell->kind) {
    case DOGB_CELL_INTEGER:
        return sqlite3_bind_int64(statement, index, cell->integer);
    case DOGB_CELL_REAL:
        return sqlite3_bind_double(statement, index, cell->real);
    case DOGB_CELL_TEXT:
        return sqlite3_bind_text(statement, index, cell->text, -1, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(statement, index);
    }
}

static void end(dogb_db *base) {
    sqlite_db *db = (sqlite_db *)base;
    if (db->current != NULL) {
        (void)sqlite3_reset(db->current);
        (void)sqlite3_clear_bindings(db->current);
        db->current = NULL;
    }
}

static int start(dogb_db *base, const char *sql, const dogb_cell *cells, int32_t count) {
    sqlite_db *db = (sqlite_db *)base;
    sqlite3_stmt *statement = NULL;
    end(base);
    int rc = prepare(db, &statement, sql);
    if (rc < 0) {
        return rc;
    }
    for (int32_t i = 0; i < count; i++) {
        int code = bind(statement, i + 1, &cells[i]);
        if (code != SQLITE_OK) {
            (void)sqlite3_clear_bindings(statement);
            return fail(db, code);
        }
    }
    db->current = statement;
    return DOGBREED_OK;
}

static int row(dogb_db *base) {
    sqlite_db *db = (sqlite_db *)base;
    int code = sqlite3_step(db->current);
    if (code == SQLITE_ROW) {
        return 1;
    }
    int rc = code == SQLITE_DONE ? 0 : fail(db, code);
    end(base);
    return rc;
}

static int is_null(const dogb_db *base, int32_t column) {
    return sqlite3_column_type(((const sqlite_db *)base)->current, column) == SQLITE_NULL;
}

static int64_t integer(const dogb_db *base, int32_t column) {
    return sqlite3_column_int64(((const sqlite_db *)base)->current, column);
}

static double real(const dogb_db *base, int32_t column) {
    return sqlite3_column_double(((const sqlite_db *)base)->current, column);
}

static const char *text(const dogb_db *base, int32_t column) {
    return (const char *)sqlite3_column_text(((const sqlite_db *)base)->current, column);
}

// A file beside the database: closing a file that SQLite has open would end SQLite's locks.
static int open_claims(sqlite_db *db) {
    dogb_arena scratch = {0};
    char *path = dogb_format(&scratch, "%s-claims", db->base.name);
    int rc = path == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && (db->claims = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666)) < 0) {
        rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s", path);
    }
    dogb_arena_free(&scratch);
    return rc;
}

// Locks of the open file, not of the process: two handles of one process keep each other out too.
static int set_lock(const sqlite_db *db, int64_t id, short kind) {
    struct flock lock = {.l_type = kind, .l_whence = SEEK_SET, .l_start = id, .l_len = 1};
    return fcntl(db->claims, F_OFD_SETLK, &lock);
}

static int claim(dogb_db *base, int64_t id) {
    sqlite_db *db = (sqlite_db *)base;
    int rc = db->claims < 0 ? open_claims(db) : DOGBREED_OK;
    if (rc < 0) {
        db->base.failure = DOGB_DB_FAILED;
        return rc;
    }
    if (set_lock(db, id, F_WRLCK) == 0) {
        return 1;
    }
    if (errno == EAGAIN || errno == EACCES) {
        return 0;
    }
    db->base.failure = DOGB_DB_FAILED;
    return dogb_fail_errno(DOGBREED_ERROR_IO, "%s-claims: cannot be locked", db->base.name);
}

static void release(dogb_db *base, int64_t id) {
    const sqlite_db *db = (const sqlite_db *)base;
    (void)set_lock(db, id, F_UNLCK);
}

static int reconnect(dogb_db *base) {
    (void)base; // a file is never lost
    return DOGBREED_OK;
}

static void close_db(dogb_db *base) {
    sqlite_db *db = (sqlite_db *)base;
    end(base);
    for (size_t i = 0; i < db->count; i++) {
        (void)sqlite3_finalize(db->cache[i].statement);
    }
    (void)sqlite3_close(db->handle);
    if (db->claims >= 0) {
        (void)close(db->claims);
    }
    db->claims = -1;
    db->handle = NULL;
    db->count = 0;
}

static const dogb_db_driver driver = {
    .sql = dialect,
    .schema = dogb_schema_sqlite,
    .begin = "BEGIN IMMEDIATE",
    .begin_read = "BEGIN",
    .start = start,
    .row = row,
    .end = end,
    .is_null = is_null,
    .integer = integer,
    .real = real,
    .text = text,
    .claim = claim,
    .release = release,
    .reconnect = reconnect,
    .close = close_db,
};

// The write-ahead log lives in memory that processes share: not over a network.
static int on_network(const char *path) {
    static const long long kinds[] = {0x6969,     0x517b,     0xff534d42, 0xfe534d42,
                                      0x5346414f, 0x00c36400, 0x0bd00bd0, 0x65735546};
    struct statfs info; // NFS, SMB, CIFS, SMB2, AFS, Ceph, Lustre, FUSE (sshfs)
    if (statfs(path, &info) != 0) {
        return 0;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (((long long)info.f_type & 0xffffffff) == kinds[i]) {
            return 1;
        }
    }
    return 0;
}

// Settings that only make it faster; a busy or read-only file goes on without them.
static void tune(sqlite_db *db, const char *path) {
    char *mode = NULL;
    dogb_arena scratch = {0};
    dogb_error_state state;
    dogb_error_save(&state, DOGBREED_OK);
    (void)sqlite3_busy_timeout(db->handle, 2000);
    if (!on_network(path) &&
        dogb_db_find_text(&db->base, &mode, &scratch, "PRAGMA journal_mode=WAL", NULL, 0) == 1 &&
        strcmp(mode, "wal") == 0) {
        (void)dogb_db_do(&db->base, "PRAGMA synchronous=NORMAL", NULL, 0);
    }
    (void)dogb_error_restore(&state);
    db->base.failure = DOGB_DB_FINE;
    dogb_arena_free(&scratch);
}

int dogb_sqlite_open(dogb_db **out, dogb_arena *arena, const char *path, int32_t create,
                     double timeout) {
    sqlite_db *db = dogb_alloc(arena, 1, sizeof *db);
    *out = NULL;
    if (*path == '\0' || strcmp(path, ":memory:") == 0) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "a database in memory is lost with the program; expected a file's path");
    }
    if (!create && access(path, F_OK) != 0) {
        return dogb_fail_errno(DOGBREED_ERROR_NOT_FOUND, "%s", path);
    }
    if (db == NULL || (db->base.name = dogb_strdup(arena, path)) == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    db->base.driver = &driver;
    db->claims = -1;
    db->base.timeout = timeout;
    db->arena = arena;
    // Locks on the connection are the caller's.
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
    int code = sqlite3_open_v2(path, &db->handle, flags, NULL);
    if (code != SQLITE_OK) {
        int rc = fail(db, code);
        close_db(&db->base);
        return rc;
    }
    tune(db, path);
    (void)sqlite3_busy_timeout(db->handle, (int)(timeout * 1000));
    *out = &db->base;
    return DOGBREED_OK;
}

// A connection of its own sees what was committed last, whatever the others are doing.
static int copy_into(const char *from, const char *to) {
    sqlite3 *handle = NULL;
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_open_v2(from, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) {
        (void)sqlite3_busy_timeout(handle, COPY_WAIT);
        code = sqlite3_prepare_v2(handle, "VACUUM INTO ?1", -1, &statement, NULL);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_bind_text(statement, 1, to, -1, SQLITE_STATIC);
    }
    if (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_DONE) {
        code = SQLITE_OK;
    }
    int rc = code == SQLITE_OK ? DOGBREED_OK
                               : dogb_fail(DOGBREED_ERROR_IO, "%s: cannot be copied to %s: %s",
                                           from, to, sqlite3_errmsg(handle));
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(handle);
    return rc;
}

static int sync_file(const char *path) {
    int descriptor = open(path, O_RDWR | O_CLOEXEC);
    int rc = descriptor < 0 || fsync(descriptor) != 0
                 ? dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be synced", path)
                 : DOGBREED_OK;
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    return rc;
}

int dogb_sqlite_copy(const char *from, const char *to) {
    dogb_arena scratch = {0};
    char *aside = dogb_format(&scratch, "%s.part", to);
    int rc = aside == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && access(from, F_OK) != 0) {
        rc = dogb_fail_errno(DOGBREED_ERROR_NOT_FOUND, "%s", from);
    }
    if (rc == DOGBREED_OK) {
        (void)unlink(aside); // of a process that was killed; SQLite would refuse it
        rc = copy_into(from, aside);
        rc = rc < 0 ? rc : sync_file(aside); // VACUUM INTO does not
    }
    if (rc == DOGBREED_OK && rename(aside, to) != 0) {
        rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be written", to);
    }
    if (rc < 0 && aside != NULL) {
        (void)unlink(aside);
    }
    dogb_arena_free(&scratch);
    return rc;
}
