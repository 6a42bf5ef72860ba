// environment.h - variables of the environment.
#ifndef DOGB_CORE_ENVIRONMENT_H
#define DOGB_CORE_ENVIRONMENT_H

#include <stdint.h>

// A variable; NULL: it is not set, or empty.
const char *dogb_environment(const char *name);

// SOURCE_DATE_EPOCH (reproducible-builds.org), seconds since 1970. 0: it is not set, or no number
// up to the end of the year 9999.
int dogb_source_date(int64_t *out);

#endif
