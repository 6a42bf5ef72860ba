// db.h - one connection to a database: statements with values, rows, transactions. The drivers are
// sqlite.c and postgres.c; nothing here knows of studies but the tables' names in schema.h.
//
// One statement at a time: start, rows, end. Statements are prepared once; the cache goes by the
// address of their text, which therefore lives as long as the program. Values are $1, $2, ..., in
// that order in the text.
#ifndef DOGB_STUDY_DB_H
#define DOGB_STUDY_DB_H

#include "core/arena.h"

#include <math.h>
#include <stdint.h>

enum { DOGB_CELL_NULL = 0, DOGB_CELL_INTEGER = 1, DOGB_CELL_REAL = 2, DOGB_CELL_TEXT = 3 };

typedef struct dogb_cell {
    int32_t kind;
    int32_t reserved;
    int64_t integer;
    double real;
    const char *text; // must live until the statement is over
} dogb_cell;

static inline dogb_cell dogb_integer(int64_t value) {
    return (dogb_cell){.kind = DOGB_CELL_INTEGER, .integer = value};
}
// What is not finite is NULL.
static inline dogb_cell dogb_real(double value) {
    return (dogb_cell){.kind = isfinite(value) ? DOGB_CELL_REAL : DOGB_CELL_NULL, .real = value};
}
// NULL is NULL.
static inline dogb_cell dogb_text(const char *value) {
    return (dogb_cell){.kind = value == NULL ? DOGB_CELL_NULL : DOGB_CELL_TEXT, .text = value};
}

// Statements that the two databases spell differently.
enum {
    DOGB_SQL_LOCK_SCHEMA, // until the end of the transaction
    DOGB_SQL_TABLES,      // how many of ours are there
    DOGB_SQL_LOCK_STUDY,  // $1 study: study_id
    DOGB_SQL_LOCK_TRIAL,  // $1 trial, $2 study: state
    DOGB_SQL_REPORT,      // $1 step, $2 value, $3 kind, $4 trial, $5 study: the trial if RUNNING
    DOGB_SQL_STALE,       // $1 study, $2 seconds: ids of RUNNING trials with an older heartbeat
    DOGB_SQL_COUNT
};

// How a failure may be dealt with.
enum {
    DOGB_DB_FINE = 0,
    DOGB_DB_FAILED = 1, // of the statement
    DOGB_DB_AGAIN = 2,  // the transaction was given up and may be tried again
    DOGB_DB_LOST = 3    // the connection is gone: dogb_db_reconnect, then again
};

typedef struct dogb_db dogb_db;

typedef struct dogb_db_driver {
    const char *const *sql;    // [DOGB_SQL_COUNT]
    const char *const *schema; // statements that create the tables, NULL at the end
    const char *begin;         // of a transaction that writes
    const char *begin_read;    // of one that reads one state of the database
    int (*start)(dogb_db *db, const char *sql, const dogb_cell *cells, int32_t count);
    int (*row)(dogb_db *db); // 1: the next row; 0: no more
    void (*end)(dogb_db *db);
    int (*is_null)(const dogb_db *db, int32_t column);
    int64_t (*integer)(const dogb_db *db, int32_t column);
    double (*real)(const dogb_db *db, int32_t column);
    const char *(*text)(const dogb_db *db, int32_t column); // NULL: NULL, or no memory
    // A lock named by a number, of this connection until it ends. 1: it has it; 0: another has.
    int (*claim)(dogb_db *db, int64_t id);
    void (*release)(dogb_db *db, int64_t id);
    int (*reconnect)(dogb_db *db);
    void (*close)(dogb_db *db);
} dogb_db_driver;

// The head of a driver's own structure.
struct dogb_db {
    const dogb_db_driver *driver;
    const char *name; // for messages; no password in it
    double timeout;
    int32_t failure; // DOGB_DB_ of the last failure since the transaction began
    int32_t reserved;
};

// url as in dogb_study_conf. create: a file may be made. The connection ends with dogb_db_close.
int dogb_db_open(dogb_db **out, dogb_arena *arena, const char *url, int32_t create, double timeout);
void dogb_db_close(dogb_db *db);

int dogb_sqlite_copy(const char *from, const char *to);
int dogb_sqlite_open(dogb_db **out, dogb_arena *arena, const char *path, int32_t create,
                     double timeout);
int dogb_postgres_open(dogb_db **out, dogb_arena *arena, const char *url, double timeout);

int dogb_db_start(dogb_db *db, const char *sql, const dogb_cell *cells, int32_t count);
int dogb_db_row(dogb_db *db);

// A statement to its end; rows are ignored.
int dogb_db_do(dogb_db *db, const char *sql, const dogb_cell *cells, int32_t count);

// The first column of the first row. 1: there is one; 0: no row (or NULL).
int dogb_db_find(dogb_db *db, int64_t *value, const char *sql, const dogb_cell *cells,
                 int32_t count);
int dogb_db_find_text(dogb_db *db, char **value, dogb_arena *arena, const char *sql,
                      const dogb_cell *cells, int32_t count);

int dogb_db_begin(dogb_db *db, int32_t write);
int dogb_db_commit(dogb_db *db);
void dogb_db_rollback(dogb_db *db); // keeps the thread's error message

#define DOGB_CELLS(...)                                                                            \
    (const dogb_cell[]){__VA_ARGS__},                                                              \
        (int32_t)(sizeof(dogb_cell[]){__VA_ARGS__} / sizeof(dogb_cell))

#endif
