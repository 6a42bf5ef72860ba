// folder.h - event files in a folder: their names, and one that follows what it tells of.
#ifndef DOGB_TENSORBOARD_FOLDER_H
#define DOGB_TENSORBOARD_FOLDER_H

#include "core/buffer.h"

#include <stdint.h>

// "events.out.tfevents.1700000000.250000.dogbreed". TensorBoard reads the files of a folder in the
// order of their names.
enum { DOGB_BOARD_NAME_SIZE = 64 };
void dogb_board_name(char out[DOGB_BOARD_NAME_SIZE], double time);

// The folder, made when absent, has these records as its only event file of ours, named after time
// 0; other files stay. A file that has the first of them gets the rest: programs that watch it lose
// their place when it is replaced. Times of that rest are not before those in the file. Not synced:
// for files that can be made again.
int dogb_board_write(const char *directory, dogb_buffer *records);

// Removes our event files, and the folder when nothing else is in it.
int dogb_board_remove(const char *directory);

#endif
