// check.h - what a data check finds, between the files that look, count and write it down. Every
// number depends on the files alone, not on the threads that read them.
#ifndef DOGB_DATASET_CHECK_H
#define DOGB_DATASET_CHECK_H

#include "core/json.h"
#include "dataset/storage.h"

enum {
    DOGB_LIST_MAX = 50,       // examples of one thing in the report
    DOGB_LIST_FILES_MAX = 10, // files of one group of duplicates
    DOGB_LIST_CLASSES_MAX = 10000,
    DOGB_PLACEHOLDER_MIN = 10 // identical pictures that look like a placeholder
};

// Properties of a file: bits of dogb_finding.flags, rows of dogb_properties.
enum {
    DOGB_FOUND_BROKEN,
    DOGB_FOUND_UNSUPPORTED,
    DOGB_FOUND_ORIENTED,
    DOGB_FOUND_MISNAMED,
    DOGB_FOUND_WARNED,
    DOGB_FOUND_BLANK,
    DOGB_FOUND_BOMB,
    DOGB_FOUND_GRAY,
    DOGB_FOUND_CMYK,
    DOGB_FOUND_DEEP,
    DOGB_FOUND_ALPHA,
    DOGB_FOUND_PALETTE,
    DOGB_FOUND_PROGRESSIVE,
    DOGB_FOUND_COUNT
};

typedef struct dogb_property {
    const char *name;
    const char *text; // behind a number, as reason for "warnings"; NULL: worth the number alone
} dogb_property;
extern const dogb_property dogb_properties[DOGB_FOUND_COUNT];

typedef struct dogb_finding { // one file
    int32_t code;             // 0: readable
    uint32_t flags;           // 1 << DOGB_FOUND_
    const char *reason;       // why it is not readable
    int64_t bytes;            // -1: not known
    int32_t format;           // DOGB_FORMAT_
    int32_t width;
    int32_t height;
    int32_t hashed;
    dogb_sha256 hash;
    uint64_t sums[3];    // of the channels' values 0..255; decoded files only
    uint64_t squares[3]; // of their squares
} dogb_finding;

// Identical files: members[first .. first + count) of dogb_check.
typedef struct dogb_group {
    int64_t first;
    int64_t count;
    int32_t classes; // 1, or 2 for more
    int32_t splits;
} dogb_group;

typedef struct dogb_reason { // for the verdict
    const char *code;
    const char *text;
    int64_t count;
    int32_t invalid; // 1: the data cannot be used
    int32_t reserved;
} dogb_reason;

typedef struct dogb_check {
    dogb_arena *arena;
    const dogbreed_dataset *dataset;
    dogbreed_check_options options;
    dogb_finding *findings; // by sample
    int64_t count;
    int64_t bad;
    int64_t found[DOGB_FOUND_COUNT];
    int64_t *members;
    dogb_group *groups; // in the order of their first member
    int64_t group_count;
    int64_t *tally;                        // [class][split] readable files
    int64_t *tally_bad;                    // the same, others
    int64_t split_count[DOGB_SPLIT_COUNT]; // files
    int32_t basis; // split that balance, weights and statistics are taken from
    int32_t reason_count;
    dogb_reason reasons[32];
} dogb_check;

// inspect.c: reads every file into findings.
int dogb_check_inspect(dogb_check *check);
// groups.c: finds identical files. Hashes those that inspection did not.
int dogb_check_group(dogb_check *check);
// check_json.c: the report.
int dogb_check_report(char **json, dogb_check *check);

// check_stats.c: the parts "sizes" and "statistics" of the report.
int dogb_check_add_sizes(json_t *root, const dogb_check *check);
int dogb_check_add_statistics(json_t *root, const dogb_check *check);

// Readable files of a class in a split; DOGB_SPLIT_ALL: in all.
int64_t dogb_check_readable(const dogb_check *check, int32_t label, int32_t split);

#endif
