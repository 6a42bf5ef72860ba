// record.h - the frame around each event of a file (TFRecord): its length and two checksums.
#ifndef DOGB_TENSORBOARD_RECORD_H
#define DOGB_TENSORBOARD_RECORD_H

#include "core/buffer.h"

// What stands in the buffer from `at` on becomes a record.
void dogb_record_close(dogb_buffer *out, size_t at);

// 1: `data`, of a file, are the first of these records, if the times of their events do not count.
// The times of the others are then not before those of the file.
int dogb_record_continues(dogb_buffer *records, const char *data, size_t size);

#endif
