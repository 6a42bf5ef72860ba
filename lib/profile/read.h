// read.h - a stored profile: trace.json and system.jsonl back into what a profile knows.
#ifndef DOGB_PROFILE_READ_H
#define DOGB_PROFILE_READ_H

#include "profile/data.h"

// directory: that of the files. The caller frees *data whatever comes out. A file that a crash has
// cut off is read up to there. NOT_FOUND, FORMAT (names the file and line), UNSUPPORTED (newer).
int dogb_profile_read(dogb_profile_data *data, const char *directory);

// The two parsers, on text that need not be a whole file.
int dogb_profile_read_trace(dogb_profile_data *data, const char *text, size_t size,
                            const char *what);
int dogb_profile_read_system(dogb_profile_data *data, const char *text, size_t size,
                             const char *what);

#endif
