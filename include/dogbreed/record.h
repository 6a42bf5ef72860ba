/* dogbreed/record.h - reads the tensors that a training has saved: a store in the layout of
 * SageMaker Debugger's library smdebug, written by this library or by that one, finished or still
 * growing.
 *
 * A step of a store is one forward pass (and what belongs to it); its number counts across all
 * modes. Each mode numbers its own steps too ("mode step"). Files are mapped, so a value is read
 * where it is asked for and nothing is copied before.
 */
#ifndef DOGBREED_RECORD_H
#define DOGBREED_RECORD_H

#include <dogbreed/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the network was doing. GLOBAL: all modes together, steps by their number across modes; also
 * the mode of steps whose mode was never set. */
enum {
    DOGBREED_MODE_TRAIN = 1,
    DOGBREED_MODE_EVAL = 2,
    DOGBREED_MODE_PREDICT = 3,
    DOGBREED_MODE_GLOBAL = 4
};

/* Types of stored tensors: TensorFlow's numbers. */
enum {
    DOGBREED_RECORD_FLOAT32 = 1,
    DOGBREED_RECORD_FLOAT64 = 2,
    DOGBREED_RECORD_INT32 = 3,
    DOGBREED_RECORD_UINT8 = 4,
    DOGBREED_RECORD_INT16 = 5,
    DOGBREED_RECORD_INT8 = 6,
    DOGBREED_RECORD_TEXT = 7,
    DOGBREED_RECORD_COMPLEX64 = 8,
    DOGBREED_RECORD_INT64 = 9,
    DOGBREED_RECORD_BOOL = 10,
    DOGBREED_RECORD_BFLOAT16 = 14,
    DOGBREED_RECORD_UINT16 = 17,
    DOGBREED_RECORD_COMPLEX128 = 18,
    DOGBREED_RECORD_FLOAT16 = 19,
    DOGBREED_RECORD_UINT32 = 22,
    DOGBREED_RECORD_UINT64 = 23
};

/* A store that is open for reading. One thread at a time. */
typedef struct dogbreed_record dogbreed_record;

typedef struct dogbreed_record_step_info {
    uint32_t struct_size;
    int32_t mode;         /* DOGBREED_MODE_ */
    int64_t step;         /* across modes */
    int64_t mode_step;    /* of its mode */
    int32_t tensor_count; /* of all workers; see dogbreed_record_tensor */
    int32_t complete;     /* 1: every worker has written it, or no worker will any more */
} dogbreed_record_step_info;

typedef struct dogbreed_record_tensor_info {
    uint32_t struct_size;
    int32_t dtype;        /* DOGBREED_RECORD_; 0: only its shape was saved */
    const char *name;     /* "fc.weight", "smdebug/reductions/mean/fc.weight" */
    const char *original; /* of a saved shape: the name in the framework; else the same */
    const char *worker;   /* "worker_0" */
    int32_t rank;
    int32_t has_values; /* 0: only its shape was saved */
    int64_t shape[8];
    int64_t count; /* elements */
    int64_t size;  /* bytes of the values; 0 for texts */
} dogbreed_record_tensor_info;

/* Opens the store in `directory`. Returns NOT_FOUND (no such folder, or no collections file in it
 * yet), FORMAT (the collections file is broken), UNSUPPORTED (written by a newer version), IO. A
 * broken index file does not hinder: its step is reported by dogbreed_record_describe and answered
 * with INDEX. */
DOGBREED_API int dogbreed_record_open(dogbreed_record **out, const char *directory);

/* NULL is fine. */
DOGBREED_API void dogbreed_record_destroy(dogbreed_record *record);

/* Looks again what is there. Texts and indices of before are void. Returns IO, and what
 * dogbreed_record_open returns. */
DOGBREED_API int dogbreed_record_refresh(dogbreed_record *record);

/* The store as JSON: "finished", "workers", "collections" as stored, "modes" (name: steps), "names"
 * of all tensors, "broken" index files, "checksums" of the records that were read so far. */
DOGBREED_API int dogbreed_record_describe(char **json, const dogbreed_record *record);

/* Names of tensors, sorted, as a JSON array; those of reductions count as the tensor that they were
 * made of. mode: DOGBREED_MODE_; step: of that mode, -1 any; regex: POSIX extended, found anywhere
 * in the name, NULL any; collection: its name, NULL any. Returns INVALID_ARGUMENT (the expression),
 * NOT_FOUND (no such collection), and of a step what dogbreed_record_find_step returns. */
DOGBREED_API int dogbreed_record_names(char **json, dogbreed_record *record, int32_t mode,
                                       int64_t step, const char *regex, const char *collection);

/* Steps of a mode (GLOBAL: all). */
DOGBREED_API int64_t dogbreed_record_step_count(const dogbreed_record *record, int32_t mode);

/* Step `index` of a mode, in order. Set out->struct_size before the call. Returns INVALID_ARGUMENT,
 * INDEX. */
DOGBREED_API int dogbreed_record_step(dogbreed_record_step_info *out, dogbreed_record *record,
                                      int32_t mode, int64_t index);

/* The number across modes of a mode's step. Returns STEP_UNAVAILABLE (it was not saved),
 * STEP_NOT_YET_AVAILABLE (it may still come), NO_MORE_DATA (the training has ended before it),
 * INDEX (its index file is broken). */
DOGBREED_API int dogbreed_record_find_step(int64_t *step, dogbreed_record *record, int32_t mode,
                                           int64_t mode_step);

/* Waits for a step of a mode, looking again every fifth of a second, up to `seconds`. Returns what
 * dogbreed_record_find_step returns; STEP_NOT_YET_AVAILABLE: it has not come. */
DOGBREED_API int dogbreed_record_wait(int64_t *step, dogbreed_record *record, int32_t mode,
                                      int64_t mode_step, double seconds);

/* Tensors of a step (across modes), of all workers, reductions among them. Returns a count, or what
 * dogbreed_record_find_step returns. */
DOGBREED_API int dogbreed_record_tensor_count(dogbreed_record *record, int64_t step);

/* Describes tensor `index` of a step. Set out->struct_size before the call. Texts are valid until
 * the next refresh. Returns INVALID_ARGUMENT, FORMAT (its record is damaged),
 * TENSOR_UNAVAILABLE_FOR_STEP (its event file is missing), STEP_NOT_YET_AVAILABLE (the same, while
 * it may still come), UNSUPPORTED (a type that is not in the list above, more than 8 dimensions).
 */
DOGBREED_API int dogbreed_record_tensor(dogbreed_record_tensor_info *out, dogbreed_record *record,
                                        int64_t step, int32_t index);

/* Index of a tensor in a step. worker: NULL any. Returns TENSOR_UNAVAILABLE (no step has it),
 * TENSOR_UNAVAILABLE_FOR_STEP, INVALID_WORKER, and of the step what dogbreed_record_find_step
 * returns. */
DOGBREED_API int dogbreed_record_find(int32_t *index, dogbreed_record *record, int64_t step,
                                      const char *name, const char *worker);

/* Values in C order, `count` of them, as float32 or float64 numbers; bool as 0 and 1. Returns
 * INVALID_ARGUMENT (`count` is not the tensor's), UNSUPPORTED (texts, complex numbers),
 * TENSOR_UNAVAILABLE_FOR_STEP (only its shape was saved), and what dogbreed_record_tensor
 * returns. */
DOGBREED_API int dogbreed_record_read(dogbreed_record *record, int64_t step, int32_t index,
                                      float *buffer, size_t count);
DOGBREED_API int dogbreed_record_read_double(dogbreed_record *record, int64_t step, int32_t index,
                                             double *buffer, size_t count);

/* The bytes as they are stored: little endian, elements of the tensor's type. `size`: the
 * tensor's. Returns the same errors; complex numbers can be read. */
DOGBREED_API int dogbreed_record_read_bytes(dogbreed_record *record, int64_t step, int32_t index,
                                            void *buffer, size_t size);

/* Texts of a tensor of type TEXT, as a JSON array of strings. Returns the same errors, UNSUPPORTED
 * for numbers. */
DOGBREED_API int dogbreed_record_read_text(char **json, dogbreed_record *record, int64_t step,
                                           int32_t index);

/* A reduction of a tensor: "min", "max", "mean", "std", "variance", "sum", "prod", "l1", "l2",
 * "median", "nan_count", "inf_count", each but the counts also of absolute values ("abs_mean"). The
 * stored one, else it is computed of the stored values; std and variance are those of the
 * population. Returns INVALID_ARGUMENT (no such reduction), and what dogbreed_record_find and
 * dogbreed_record_read return. */
DOGBREED_API int dogbreed_record_reduction(double *out, dogbreed_record *record, int64_t step,
                                           const char *name, const char *worker,
                                           const char *reduction);

/* Reads every record of the store: {"records", "bytes", "checksums": {"payload", "constant"},
 * "problems": [{"step", "worker", "name", "message"}]}. Returns IO, NO_MEMORY: damage is a result.
 */
DOGBREED_API int dogbreed_record_check(char **json, dogbreed_record *record);

#ifdef __cplusplus
}
#endif
#endif
