// db.c - what both drivers share: the address of a database, whole statements, transactions.
#include "study/db.h"
#include "core/error.h"
#include "study/study.h"

#include <string.h>

static int begins(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

// sqlite:///path, sqlite+driver:///path
const char *dogb_study_file(const char *url) {
    const char *colon = strstr(url, "://");
    if (colon == NULL) {
        return url;
    }
    return begins(url, "sqlite") && (url[6] == ':' || url[6] == '+') && colon[3] == '/' ? colon + 4
                                                                                        : NULL;
}

// "scheme+driver://" as SQLAlchemy writes it: the driver is that program's affair.
static char *without_driver(dogb_arena *arena, const char *url) {
    const char *colon = strstr(url, "://");
    const char *plus = memchr(url, '+', (size_t)(colon - url));
    size_t scheme = (size_t)((plus == NULL ? colon : plus) - url);
    return dogb_format(arena, "%.*s%s", (int)scheme, url, colon);
}

int dogb_study_copy(const char *url, const char *path) {
    const char *file = dogb_study_file(url);
    return file == NULL
               ? dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "copy: the study's storage is no file")
               : dogb_sqlite_copy(file, path);
}

static int open_sqlite_url(dogb_db **out, dogb_arena *arena, const char *url, const char *path,
                           int32_t create, double timeout) {
    if (*path == '\0' || strcmp(path, ":memory:") == 0) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "%s: a database in memory is lost with the program; expected "
                         "sqlite:///path",
                         url);
    }
    if (strchr(path, '?') != NULL) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "%s: words behind '?' are not supported; expected sqlite:///path", url);
    }
    return dogb_sqlite_open(out, arena, path, create, timeout);
}

int dogb_db_open(dogb_db **out, dogb_arena *arena, const char *url, int32_t create,
                 double timeout) {
    const char *path = dogb_study_file(url);
    *out = NULL;
    if (path != NULL) {
        return path == url ? dogb_sqlite_open(out, arena, path, create, timeout)
                           : open_sqlite_url(out, arena, url, path, create, timeout);
    }
    const char *plain = without_driver(arena, url);
    if (plain == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (begins(plain, "postgresql://") || begins(plain, "postgres://")) {
        return dogb_postgres_open(out, arena, plain, timeout);
    }
    int scheme = (int)(strstr(url, "://") - url);
    return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                     "%.*s://...: unknown kind of database; expected a file's path, sqlite:///path "
                     "or postgresql://user@host:port/database",
                     scheme, url);
}

void dogb_db_close(dogb_db *db) {
    if (db != NULL) {
        db->driver->close(db);
    }
}

int dogb_db_start(dogb_db *db, const char *sql, const dogb_cell *cells, int32_t count) {
    return db->driver->start(db, sql, cells, count);
}

int dogb_db_row(dogb_db *db) {
    return db->driver->row(db);
}

int dogb_db_do(dogb_db *db, const char *sql, const dogb_cell *cells, int32_t count) {
    int rc = db->driver->start(db, sql, cells, count);
    while (rc == DOGBREED_OK && (rc = db->driver->row(db)) == 1) {
        rc = DOGBREED_OK;
    }
    return rc;
}

int dogb_db_find(dogb_db *db, int64_t *value, const char *sql, const dogb_cell *cells,
                 int32_t count) {
    int rc = db->driver->start(db, sql, cells, count);
    if (rc < 0 || (rc = db->driver->row(db)) <= 0) {
        return rc;
    }
    int found = !db->driver->is_null(db, 0);
    *value = found ? db->driver->integer(db, 0) : 0;
    db->driver->end(db);
    return found;
}

int dogb_db_find_text(dogb_db *db, char **value, dogb_arena *arena, const char *sql,
                      const dogb_cell *cells, int32_t count) {
    int rc = db->driver->start(db, sql, cells, count);
    *value = NULL;
    if (rc < 0 || (rc = db->driver->row(db)) <= 0) {
        return rc;
    }
    if (!db->driver->is_null(db, 0)) {
        const char *text = db->driver->text(db, 0);
        *value = text == NULL ? NULL : dogb_strdup(arena, text);
        rc = *value == NULL ? dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory for a text") : 1;
    } else {
        rc = 0;
    }
    db->driver->end(db);
    return rc;
}

int dogb_db_begin(dogb_db *db, int32_t write) {
    db->failure = DOGB_DB_FINE;
    return dogb_db_do(db, write ? db->driver->begin : db->driver->begin_read, NULL, 0);
}

int dogb_db_commit(dogb_db *db) {
    return dogb_db_do(db, "COMMIT", NULL, 0);
}

void dogb_db_rollback(dogb_db *db) {
    dogb_error_state state;
    int32_t failure = db->failure;
    dogb_error_save(&state, DOGBREED_OK);
    (void)dogb_db_do(db, "ROLLBACK", NULL, 0);
    (void)dogb_error_restore(&state);
    db->failure = failure;
}
