// keeper.h - puts steps into the stores on a thread of its own: a training does not wait for the
// disk, unless more than DOGB_KEEPER_BYTES wait to be written. Used from one thread.
#ifndef DOGB_DEBUG_KEEPER_H
#define DOGB_DEBUG_KEEPER_H

#include "record/writer.h"

enum { DOGB_KEEPER_BYTES = 64 << 20 };

typedef struct dogb_keeper dogb_keeper;

// Into a store of files, one in memory, or both (NULL: not there). Takes the writers over, also on
// failure.
enum { DOGB_KEEPER_WRITERS = 2 };
int dogb_keeper_open(dogb_keeper **out, dogb_record_writer *const writers[DOGB_KEEPER_WRITERS]);

// As the writer's functions; values are copied, names are borrowed until close. What failed on the
// other thread is the result of the next call: nothing is written any more then.
int dogb_keeper_begin(dogb_keeper *keeper, int32_t mode, int64_t mode_step, int64_t step,
                      double wall_time);
int dogb_keeper_add(dogb_keeper *keeper, const char *name, int32_t rank, const int64_t *shape,
                    const float *values, size_t count);
int dogb_keeper_shape(dogb_keeper *keeper, const char *name, int32_t rank, const int64_t *shape);
// reductions: "mean,abs_max", copied.
int dogb_keeper_reduce(dogb_keeper *keeper, const char *name, const char *reductions,
                       const float *values, size_t count);
int dogb_keeper_commit(dogb_keeper *keeper);

// Waits until all is written; finish: the run is over, with the end marker. NULL is fine.
int dogb_keeper_close(dogb_keeper *keeper, int finish);

#endif
