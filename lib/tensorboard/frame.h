// frame.h - the frame around each event of a file (TFRecord): its length and two checksums.
#ifndef DOGB_TENSORBOARD_FRAME_H
#define DOGB_TENSORBOARD_FRAME_H

#include "core/buffer.h"

#include <stdint.h>

enum { DOGB_FRAME_HEAD = 12, DOGB_FRAME_TAIL = 4 }; // length and its checksum; that of the event

// What stands in the buffer from `at` on becomes a record.
void dogb_frame_close(dogb_buffer *out, size_t at);

// 1: `data`, of a file, are the first of these records, if the times of their events do not count.
// The times of the others are then not before those of the file.
int dogb_frame_continues(dogb_buffer *records, const char *data, size_t size);

// The same in pieces, for events too large to be moved about: the head of an event of `length`
// bytes; a checksum as it stands in files.
void dogb_frame_head(char out[DOGB_FRAME_HEAD], uint64_t length);
uint32_t dogb_frame_mask(uint32_t crc32c);

// What smdebug writes in place of the event's checksum unless it is told otherwise: that of a
// constant.
enum { DOGB_FRAME_CONSTANT = 0x062dc0b3 };

// A record of a file: its event, borrowed.
typedef struct dogb_frame {
    const uint8_t *event;
    size_t length;
    size_t size;      // of the whole record
    int32_t constant; // 1: its second checksum is smdebug's constant
    int32_t reserved;
} dogb_frame;

// 1: `data` begins with a whole record; 0: with less than one, more of it may come. FORMAT: `path`,
// at byte `at`, is damaged.
int dogb_frame_read(dogb_frame *out, const void *data, size_t size, const char *path, size_t at);

#endif
