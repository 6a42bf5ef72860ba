// schema.h - Optuna's tables at alembic revision v3.2.0.a, the only one that is read or written.
#ifndef DOGB_STUDY_SCHEMA_H
#define DOGB_STUDY_SCHEMA_H

#include "study/db.h"

#define DOGB_SCHEMA_REVISION "v3.2.0.a"

extern const char *const dogb_schema_sqlite[];
extern const char *const dogb_schema_postgres[];

// The tables are there and of that revision, else: create makes them where there are none.
// NOT_FOUND: no tables and create is 0. UNSUPPORTED: another revision.
int dogb_schema_check(dogb_db *db, int32_t create);

#endif
