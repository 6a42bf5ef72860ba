// schema.h - Optuna's tables at alembic revision v3.2.0.a, the only one that is read or written.
#ifndef DOGB_STUDY_SCHEMA_H
#define DOGB_STUDY_SCHEMA_H

#include "study/db.h"

#define DOGB_SCHEMA_REVISION "v3.2.0.a"

// An intermediate value of a RUNNING trial in one statement; KIND is "$3" as the column's type.
#define DOGB_REPORT_SQL(KIND)                                                                      \
    "INSERT INTO trial_intermediate_values "                                                       \
    "(step, intermediate_value, intermediate_value_type, trial_id) "                               \
    "SELECT CAST($1 AS INTEGER), CAST($2 AS FLOAT(53)), " KIND ", trial_id FROM trials "           \
    "WHERE trial_id = $4 AND study_id = $5 AND state = 'RUNNING' "                                 \
    "ON CONFLICT (trial_id, step) DO UPDATE SET intermediate_value = "                             \
    "excluded.intermediate_value, intermediate_value_type = excluded.intermediate_value_type "     \
    "RETURNING trial_id"

extern const char *const dogb_schema_sqlite[];
extern const char *const dogb_schema_postgres[];

// The tables are there and of that revision, else: create makes them where there are none.
// NOT_FOUND: no tables and create is 0. UNSUPPORTED: another revision.
int dogb_schema_check(dogb_db *db, int32_t create);

#endif
