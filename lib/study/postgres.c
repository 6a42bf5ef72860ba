// postgres.c - the driver for PostgreSQL servers. READ COMMITTED with row locks, as Optuna's own
// programs use it; a reading sees one state of the database.
#include "core/error.h"
#include "core/number.h"
#include "study/db.h"
#include "study/libpq.h"
#include "study/schema.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS_MAX = 8, NUMBER_SIZE = 40 };

typedef struct postgres_db {
    dogb_db base;
    dogb_arena *arena;
    const dogb_libpq *pq;
    PGconn *connection;
    PGresult *result; // of the statement that runs
    int row;          // of it
    int reserved;
    const char **prepared; // texts; statement i has the name "d<i>"
    size_t count;
    size_t capacity;
} postgres_db;

// How many of the tables the search path leads to.
static const char tables[] =
    "SELECT COUNT(to_regclass(name)) FROM (VALUES ('studies'), ('version_info'), "
    "('study_directions'), ('study_user_attributes'), ('study_system_attributes'), ('trials'), "
    "('trial_user_attributes'), ('trial_system_attributes'), ('trial_params'), ('trial_values'), "
    "('trial_intermediate_values'), ('trial_heartbeats'), ('alembic_version')) AS wanted (name)";

static const char *const dialect[DOGB_SQL_COUNT] = {
    [DOGB_SQL_LOCK_SCHEMA] = "SELECT CAST(pg_advisory_xact_lock(7234016283807667300) AS TEXT)",
    [DOGB_SQL_TABLES] = tables,
    [DOGB_SQL_LOCK_STUDY] = "SELECT study_id FROM studies WHERE study_id = $1 FOR UPDATE",
    [DOGB_SQL_LOCK_TRIAL] =
        "SELECT state FROM trials WHERE trial_id = $1 AND study_id = $2 FOR UPDATE",
    [DOGB_SQL_REPORT] = DOGB_REPORT_SQL("CAST($3 AS trialintermediatevaluetype)"),
    [DOGB_SQL_STALE] = "SELECT t.trial_id FROM trials t JOIN trial_heartbeats h "
                       "ON h.trial_id = t.trial_id WHERE t.study_id = $1 AND t.state = 'RUNNING' "
                       "AND h.heartbeat < LOCALTIMESTAMP - $2 * INTERVAL '1 second' "
                       "ORDER BY t.trial_id",
};

// SQLSTATE, or its beginning: what it means for the caller and for the transaction.
static const struct {
    const char *state;
    int rc;
    int32_t failure;
    const char *text; // NULL: the server's
} kinds[] = {
    {"40001", DOGBREED_ERROR_IO, DOGB_DB_AGAIN, NULL},     // serialization
    {"40P01", DOGBREED_ERROR_IO, DOGB_DB_AGAIN, NULL},     // deadlock
    {"23505", DOGBREED_ERROR_EXISTS, DOGB_DB_AGAIN, NULL}, // another has just made the same row
    {"42P07", DOGBREED_ERROR_EXISTS, DOGB_DB_AGAIN, NULL}, // table
    {"42710", DOGBREED_ERROR_EXISTS, DOGB_DB_AGAIN, NULL}, // type
    {"57P", DOGBREED_ERROR_NETWORK, DOGB_DB_LOST, NULL},   // the server shuts down
    {"08", DOGBREED_ERROR_NETWORK, DOGB_DB_LOST, NULL},    // connection
    {"55P03", DOGBREED_ERROR_IO, DOGB_DB_FAILED, "locked by another program for too long"},
    {"53100", DOGBREED_ERROR_IO, DOGB_DB_FAILED, "the server's disk is full"},
    {"", DOGBREED_ERROR_IO, DOGB_DB_FAILED, NULL},
};

static int fail(postgres_db *db, PGresult *result) {
    const char *state = db->pq->PQresultErrorField(result, DOGB_PQ_DIAG_SQLSTATE);
    const char *message = db->pq->PQresultErrorField(result, DOGB_PQ_DIAG_MESSAGE);
    size_t kind = 0;
    if (message == NULL) {
        message = db->pq->PQerrorMessage(db->connection);
    }
    if (state == NULL && db->pq->PQstatus(db->connection) != DOGB_PQ_CONNECTION_OK) {
        state = "08006";
    }
    while (strncmp(kinds[kind].state, state == NULL ? "" : state, strlen(kinds[kind].state)) != 0) {
        kind++;
    }
    // A transaction that is lost stays lost.
    if (db->base.failure < kinds[kind].failure) {
        db->base.failure = kinds[kind].failure;
    }
    const char *text = kinds[kind].text == NULL ? message : kinds[kind].text;
    int rc = dogb_fail(kinds[kind].rc, "%s: %.*s", db->base.name, (int)strcspn(text, "\n"), text);
    db->pq->PQclear(result);
    return rc;
}

static void end(dogb_db *base) {
    postgres_db *db = (postgres_db *)base;
    db->pq->PQclear(db->result);
    db->result = NULL;
}

// Takes the result over when it is a good one.
static int take(postgres_db *db, PGresult *result) {
    unsigned status = db->pq->PQresultStatus(result);
    if (status != DOGB_PQ_COMMAND_OK && status != DOGB_PQ_TUPLES_OK) {
        return fail(db, result);
    }
    db->result = result;
    db->row = -1;
    return DOGBREED_OK;
}

static int prepare(postgres_db *db, char name[24], const char *sql, int32_t count) {
    size_t at = 0;
    while (at < db->count && db->prepared[at] != sql) {
        at++;
    }
    (void)snprintf(name, 24, "d%zu", at);
    if (at < db->count) {
        return DOGBREED_OK;
    }
    int rc = dogb_grow(db->arena, &db->prepared, &db->capacity, db->count, sizeof *db->prepared);
    if (rc < 0 || (rc = take(db, db->pq->PQprepare(db->connection, name, sql, count, NULL))) < 0) {
        return rc;
    }
    end(&db->base);
    db->prepared[db->count++] = sql;
    return DOGBREED_OK;
}

static int start(dogb_db *base, const char *sql, const dogb_cell *cells, int32_t count) {
    postgres_db *db = (postgres_db *)base;
    char numbers[CELLS_MAX][NUMBER_SIZE];
    const char *values[CELLS_MAX];
    char name[24];
    end(base);
    assert(count <= CELLS_MAX);
    if (count == 0) {
        return take(db, db->pq->PQexec(db->connection, sql));
    }
    int rc = prepare(db, name, sql, count);
    if (rc < 0) {
        return rc;
    }
    for (int32_t i = 0; i < count; i++) {
        values[i] = cells[i].kind == DOGB_CELL_TEXT ? cells[i].text : numbers[i];
        if (cells[i].kind == DOGB_CELL_INTEGER) {
            (void)snprintf(numbers[i], NUMBER_SIZE, "%lld", (long long)cells[i].integer);
        } else if (cells[i].kind == DOGB_CELL_REAL) {
            dogb_number_text(numbers[i], cells[i].real);
        } else if (cells[i].kind == DOGB_CELL_NULL) {
            values[i] = NULL;
        }
    }
    return take(db, db->pq->PQexecPrepared(db->connection, name, count, values, NULL, NULL, 0));
}

static int row(dogb_db *base) {
    postgres_db *db = (postgres_db *)base;
    if (++db->row < db->pq->PQntuples(db->result)) {
        return 1;
    }
    end(base);
    return 0;
}

static int is_null(const dogb_db *base, int32_t column) {
    const postgres_db *db = (const postgres_db *)base;
    return db->pq->PQgetisnull(db->result, db->row, column);
}

static const char *text(const dogb_db *base, int32_t column) {
    const postgres_db *db = (const postgres_db *)base;
    return is_null(base, column) ? NULL : db->pq->PQgetvalue(db->result, db->row, column);
}

static int64_t integer(const dogb_db *base, int32_t column) {
    const char *value = text(base, column);
    return value == NULL ? 0 : strtoll(value, NULL, 10);
}

static double real(const dogb_db *base, int32_t column) {
    const char *value = text(base, column);
    return value == NULL ? 0 : dogb_number_parse(value, NULL);
}

// The first number tells our locks from those of other programs.
#define CLAIM "(1684170562, CAST($1 AS integer)) THEN 1 ELSE 0 END"

static int claim(dogb_db *base, int64_t id) {
    int64_t got = 0;
    int rc = dogb_db_find(base, &got, "SELECT CASE WHEN pg_try_advisory_lock" CLAIM,
                          DOGB_CELLS(dogb_integer(id)));
    return rc < 0 ? rc : got == 1;
}

static void release(dogb_db *base, int64_t id) {
    int64_t gone = 0;
    dogb_error_state state;
    dogb_error_save(&state, DOGBREED_OK);
    (void)dogb_db_find(base, &gone, "SELECT CASE WHEN pg_advisory_unlock" CLAIM,
                       DOGB_CELLS(dogb_integer(id)));
    (void)dogb_error_restore(&state);
}

static void quiet(void *userdata, const char *message) {
    (void)userdata;
    (void)message;
}

static int settle(postgres_db *db) {
    char sql[240];
    db->count = 0; // statements belong to a connection
    db->base.failure = DOGB_DB_FINE;
    (void)db->pq->PQsetNoticeProcessor(db->connection, quiet, NULL);
    // The server looks after a minute whether a client that says nothing is still there: its claims
    // on trials last no longer than it.
    (void)snprintf(sql, sizeof sql,
                   "SET datestyle = 'ISO'; SET lock_timeout = %.0f; SET tcp_keepalives_idle = 30; "
                   "SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3",
                   db->base.timeout * 1000);
    return dogb_db_do(&db->base, sql, NULL, 0);
}

static int reconnect(dogb_db *base) {
    postgres_db *db = (postgres_db *)base;
    end(base);
    db->pq->PQreset(db->connection);
    return settle(db);
}

static void close_db(dogb_db *base) {
    postgres_db *db = (postgres_db *)base;
    end(base);
    db->pq->PQfinish(db->connection);
    db->connection = NULL;
}

static const dogb_db_driver driver = {
    .sql = dialect,
    .schema = dogb_schema_postgres,
    .begin = "BEGIN",
    .begin_read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
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

int dogb_postgres_open(dogb_db **out, dogb_arena *arena, const char *url, double timeout) {
    // What the URL says about these comes later and counts.
    const char *words[] = {"connect_timeout",
                           "keepalives_idle",
                           "keepalives_interval",
                           "fallback_application_name",
                           "client_encoding",
                           "dbname",
                           NULL};
    const char *values[] = {"10", "30", "10", "dogbreed", "UTF8", url, NULL};
    const dogb_libpq *pq = NULL;
    *out = NULL;
    int rc = dogb_libpq_load(&pq);
    if (rc < 0) {
        return rc;
    }
    postgres_db *db = dogb_alloc(arena, 1, sizeof *db);
    if (db == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    db->base.driver = &driver;
    db->base.name = "postgresql";
    db->base.timeout = timeout;
    db->arena = arena;
    db->pq = pq;
    db->connection = pq->PQconnectdbParams(words, values, 1);
    if (pq->PQstatus(db->connection) != DOGB_PQ_CONNECTION_OK) {
        const char *why = pq->PQerrorMessage(db->connection);
        rc = dogb_fail(DOGBREED_ERROR_NETWORK, "postgresql: %.*s", (int)strcspn(why, "\n"), why);
    } else {
        db->base.name = dogb_format(arena, "postgresql://%s/%s", pq->PQhost(db->connection),
                                    pq->PQdb(db->connection));
        rc = db->base.name == NULL ? DOGBREED_ERROR_NO_MEMORY : settle(db);
    }
    if (rc < 0) {
        close_db(&db->base);
        return rc;
    }
    *out = &db->base;
    return DOGBREED_OK;
}
