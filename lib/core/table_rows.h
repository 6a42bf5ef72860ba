// table_rows.h - option rows that several structs have: their text, ranges and defaults stand once.
// `s` is the struct; the field has the row's name.
#ifndef DOGB_CORE_TABLE_ROWS_H
#define DOGB_CORE_TABLE_ROWS_H

#include "core/table.h"

#define DOGB_ROW_ENGINE(s)                                                                         \
    DOGB_OPTION_STRING(s, engine, "auto", "Compute engine: auto, native, torch or ref.")
#define DOGB_ROW_DEVICE(s)                                                                         \
    DOGB_OPTION_STRING(s, device, "auto", "Device: auto, cpu, cuda or cuda:<number>.")
#define DOGB_ROW_DTYPE(s)                                                                          \
    DOGB_OPTION_CHOICE(                                                                            \
        s, dtype, "f32,bf16", "f32",                                                               \
        "Number format of activations; bf16 needs engine torch on a device that has it.")
#define DOGB_ROW_DTYPE_INFER(s)                                                                    \
    DOGB_OPTION_CHOICE(                                                                            \
        s, dtype, "f32,bf16,int8,auto", "auto",                                                    \
        "Number format: auto is int8 for a quantised model, else f32; any CPU does bf16.")
#define DOGB_ROW_THREADS(s)                                                                        \
    DOGB_OPTION_INT32(s, threads, 0, 256, "0", "threads", "Compute threads; 0: usable cores.")
#define DOGB_ROW_LOADER_THREADS(s)                                                                 \
    DOGB_OPTION_INT32(s, loader_threads, 0, 256, "0", "threads",                                   \
                      "Threads that decode pictures; 0: usable cores.")
#define DOGB_ROW_CACHE_DIR(s)                                                                      \
    DOGB_OPTION_STRING(s, cache_dir, "",                                                           \
                       "Folder of the feature store; empty: the user's cache folder.")

// 89,478,485 is Pillow's decompression-bomb warning; 9e8 is 30,000 x 30,000, the side limit.
#define DOGB_ROW_PIXELS_MAX(s)                                                                     \
    DOGB_OPTION_INT64(s, pixels_max, 1, 9e8, "89478485", "pixels", "Larger images are refused.")
#define DOGB_ROW_BYTES_MAX(s)                                                                      \
    DOGB_OPTION_INT64(s, bytes_max, 1, 4294967296.0, "268435456", "bytes",                         \
                      "Larger files are refused.")
#define DOGB_ROW_JPEG_WARNINGS(s)                                                                  \
    DOGB_OPTION_CHOICE(s, jpeg_warnings, "error,pillow", "error",                                  \
                       "Damaged JPEGs: error refuses them, pillow accepts what Pillow accepts.")

#endif
