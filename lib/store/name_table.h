// name_table.h - what Unicode says of characters in names that are to be compared: name_table.py
// makes the tables. All are in order of their first code point.
#ifndef DOGB_STORE_NAME_TABLE_H
#define DOGB_STORE_NAME_TABLE_H

#include <stddef.h>
#include <stdint.h>

// first, first + step ... last are folded to themselves + shift.
typedef struct dogb_name_shift {
    uint32_t first;
    uint32_t last;
    uint32_t step;
    int32_t shift;
} dogb_name_shift;

// code is folded to up to four others, 0 behind the last.
typedef struct dogb_name_expansion {
    uint32_t code;
    uint32_t to[4];
} dogb_name_expansion;

// first to last are marks of this combining class.
typedef struct dogb_name_class {
    uint32_t first;
    uint32_t last;
    uint32_t number;
} dogb_name_class;

extern const dogb_name_shift dogb_name_shifts[];
extern const size_t dogb_name_shifts_count;
extern const dogb_name_expansion dogb_name_expansions[];
extern const size_t dogb_name_expansions_count;
extern const dogb_name_class dogb_name_classes[];
extern const size_t dogb_name_classes_count;

#endif
