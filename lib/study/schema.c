// schema.c - the tables as Optuna creates them, word for word (a test compares the dumps), for both
// databases from one text; and the check of the revision.
#include "study/schema.h"
#include "core/error.h"

#include <string.h>
#include <time.h>

enum { TABLE_COUNT = 13 };

// An attribute table: of a study or a trial, of the user or the system.
#define ATTRIBUTES(ID, OWNER, OWNERS, WHO)                                                         \
    "CREATE TABLE " OWNER "_" WHO "_attributes (" OWNER "_" WHO "_attribute_id " ID                \
    " NOT NULL, " OWNER "_id INTEGER, \"key\" VARCHAR(512), value_json TEXT, "                     \
    "PRIMARY KEY (" OWNER "_" WHO "_attribute_id), UNIQUE (" OWNER "_id, \"key\"), "               \
    "FOREIGN KEY(" OWNER "_id) REFERENCES " OWNERS " (" OWNER "_id))"

// Column types of one database: key, number, date, and the four enumerations.
#define TABLES(ID, REAL, DATE, DIRECTION, STATE, VALUE, INTERMEDIATE)                              \
    "CREATE TABLE studies (study_id " ID " NOT NULL, study_name VARCHAR(512) NOT NULL, "           \
    "PRIMARY KEY (study_id))",                                                                     \
        "CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name)",                       \
        "CREATE TABLE version_info (version_info_id INTEGER NOT NULL, schema_version INTEGER, "    \
        "library_version VARCHAR(256), PRIMARY KEY (version_info_id), "                            \
        "CHECK (version_info_id=1))",                                                              \
        "CREATE TABLE study_directions (study_direction_id " ID " NOT NULL, direction " DIRECTION  \
        " NOT NULL, study_id INTEGER NOT NULL, objective INTEGER NOT NULL, "                       \
        "PRIMARY KEY (study_direction_id), UNIQUE (study_id, objective), "                         \
        "FOREIGN KEY(study_id) REFERENCES studies (study_id))",                                    \
        ATTRIBUTES(ID, "study", "studies", "user"), ATTRIBUTES(ID, "study", "studies", "system"),  \
        "CREATE TABLE trials (trial_id " ID " NOT NULL, number INTEGER, study_id INTEGER, "        \
        "state " STATE " NOT NULL, datetime_start " DATE ", datetime_complete " DATE ", "          \
        "PRIMARY KEY (trial_id), FOREIGN KEY(study_id) REFERENCES studies (study_id))",            \
        "CREATE INDEX ix_trials_study_id ON trials (study_id)",                                    \
        ATTRIBUTES(ID, "trial", "trials", "user"), ATTRIBUTES(ID, "trial", "trials", "system"),    \
        "CREATE TABLE trial_params (param_id " ID " NOT NULL, trial_id INTEGER, "                  \
        "param_name VARCHAR(512), param_value " REAL ", distribution_json TEXT, "                  \
        "PRIMARY KEY (param_id), UNIQUE (trial_id, param_name), "                                  \
        "FOREIGN KEY(trial_id) REFERENCES trials (trial_id))",                                     \
        "CREATE TABLE trial_values (trial_value_id " ID " NOT NULL, trial_id INTEGER NOT NULL, "   \
        "objective INTEGER NOT NULL, value " REAL ", value_type " VALUE " NOT NULL, "              \
        "PRIMARY KEY (trial_value_id), UNIQUE (trial_id, objective), "                             \
        "FOREIGN KEY(trial_id) REFERENCES trials (trial_id))",                                     \
        "CREATE TABLE trial_intermediate_values (trial_intermediate_value_id " ID " NOT NULL, "    \
        "trial_id INTEGER NOT NULL, step INTEGER NOT NULL, intermediate_value " REAL ", "          \
        "intermediate_value_type " INTERMEDIATE " NOT NULL, "                                      \
        "PRIMARY KEY (trial_intermediate_value_id), UNIQUE (trial_id, step), "                     \
        "FOREIGN KEY(trial_id) REFERENCES trials (trial_id))",                                     \
        "CREATE TABLE trial_heartbeats (trial_heartbeat_id " ID " NOT NULL, "                      \
        "trial_id INTEGER NOT NULL, heartbeat " DATE " NOT NULL, "                                 \
        "PRIMARY KEY (trial_heartbeat_id), UNIQUE (trial_id), "                                    \
        "FOREIGN KEY(trial_id) REFERENCES trials (trial_id))",                                     \
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "                         \
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))",                               \
        "INSERT INTO version_info (version_info_id, schema_version, library_version) "             \
        "VALUES (1, 12, '4.9.0')",                                                                 \
        "INSERT INTO alembic_version (version_num) VALUES ('" DOGB_SCHEMA_REVISION "')"

const char *const dogb_schema_sqlite[] = {
    TABLES("INTEGER", "FLOAT", "DATETIME", "VARCHAR(8)", "VARCHAR(8)", "VARCHAR(7)", "VARCHAR(7)"),
    NULL};

const char *const dogb_schema_postgres[] = {
    "CREATE TYPE studydirection AS ENUM ('NOT_SET', 'MINIMIZE', 'MAXIMIZE')",
    "CREATE TYPE trialstate AS ENUM ('RUNNING', 'COMPLETE', 'PRUNED', 'FAIL', 'WAITING')",
    "CREATE TYPE trialvaluetype AS ENUM ('FINITE', 'INF_POS', 'INF_NEG')",
    "CREATE TYPE trialintermediatevaluetype AS ENUM ('FINITE', 'INF_POS', 'INF_NEG', 'NAN')",
    TABLES("SERIAL", "FLOAT(53)", "TIMESTAMP WITHOUT TIME ZONE", "studydirection", "trialstate",
           "trialvaluetype", "trialintermediatevaluetype"),
    NULL};

// 1: all of them are there and filled; 0: none is; 2: somebody is making them.
static int present(dogb_db *db, dogb_arena *scratch, char **revision) {
    int64_t count = 0;
    *revision = NULL;
    int rc = dogb_db_find(db, &count, db->driver->sql[DOGB_SQL_TABLES], NULL, 0);
    if (rc < 0 || count == 0) {
        return rc < 0 ? rc : 0;
    }
    if (count == TABLE_COUNT) {
        rc = dogb_db_find_text(db, revision, scratch, "SELECT version_num FROM alembic_version",
                               NULL, 0);
        if (rc != 0) {
            return rc;
        }
    }
    return 2;
}

static int make(dogb_db *db, dogb_arena *scratch) {
    char *revision = NULL;
    int rc = dogb_db_begin(db, 1);
    if (rc < 0) {
        return rc;
    }
    if ((rc = dogb_db_do(db, db->driver->sql[DOGB_SQL_LOCK_SCHEMA], NULL, 0)) < 0) {
        goto out;
    }
    rc = present(db, scratch, &revision); // another may have been faster
    for (const char *const *sql = db->driver->schema; rc == 0 && *sql != NULL; sql++) {
        rc = dogb_db_do(db, *sql, NULL, 0);
    }
    if (rc >= 0) {
        rc = dogb_db_commit(db);
    }
out:
    if (rc < 0) {
        dogb_db_rollback(db);
    }
    return rc < 0 ? rc : DOGBREED_OK;
}

static int check_revision(dogb_db *db, const char *revision) {
    if (strcmp(revision, DOGB_SCHEMA_REVISION) != 0) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "%s: tables of Optuna's revision \"%s\"; expected " DOGB_SCHEMA_REVISION
                         " (Optuna 3.2 to 5; `optuna storage upgrade` converts older ones)",
                         db->name, revision);
    }
    return DOGBREED_OK;
}

int dogb_schema_check(dogb_db *db, int32_t create) {
    dogb_arena scratch = {0};
    char *revision = NULL;
    int rc = 0;
    // Optuna itself makes its tables in several transactions: give it the time.
    for (int tries = 0; tries < 100; tries++) {
        rc = present(db, &scratch, &revision);
        if (rc == 0 && create) {
            rc = make(db, &scratch);
            if (rc == DOGBREED_OK || db->failure == DOGB_DB_AGAIN) {
                continue;
            }
        }
        if (rc != 2) {
            break;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    if (rc == 0) {
        rc = dogb_fail(DOGBREED_ERROR_NOT_FOUND, "%s: there are no studies in it", db->name);
    } else if (rc == 2) {
        rc = dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                       "%s: some of Optuna's tables are missing, or have no revision", db->name);
    } else if (rc == 1) {
        rc = check_revision(db, revision);
    }
    dogb_arena_free(&scratch);
    return rc;
}
