// float.h - float32 as decimal text, both ways. A text means the float32 next to the double next to
// it, as in every program that reads JSON numbers as doubles and narrows them.
#ifndef DOGB_CORE_FLOAT_H
#define DOGB_CORE_FLOAT_H

#include <stddef.h>

enum { DOGB_FLOAT_TEXT = 24 };

// Doubles from here on, half a unit above FLT_MAX, narrow to infinity.
#define DOGB_FLOAT_LIMIT 0x1.ffffffp127

// The fewest digits that read back as the same float32, the nearest of them, written as Python
// writes a float: "0.1", "3.0", "-1e-05". Returns the length; there is no zero at the end. `value`
// is finite.
size_t dogb_float_text(char out[DOGB_FLOAT_TEXT], float value);

// Where the number at `at` ends, which is before `end`; NULL: there is none. Strict: as in JSON.
// Otherwise "+1", ".5", "1." and "01" are numbers too.
const char *dogb_float_skip(const char *at, const char *end, int strict);

// The number that dogb_float_skip found in text[0..size). FORMAT: too large for a float32.
int dogb_float_read(float *out, const char *text, size_t size);

#endif
