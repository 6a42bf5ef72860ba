// number.h - numbers as text with a '.', whatever locale the program has set.
#ifndef DOGB_CORE_NUMBER_H
#define DOGB_CORE_NUMBER_H

// strtod of the C locale.
double dogb_number_parse(const char *text, char **end);

// Significant digits that `value` needs to read back as the same number: 15, 16 or 17.
int dogb_number_digits(double value);

// The shortest of 15 to 17 significant digits that reads back as the same number; "nan", "inf",
// "-inf".
void dogb_number_text(char out[40], double value);

// For qsort over doubles, none of them NaN.
int dogb_number_compare(const void *a, const void *b);

#endif
