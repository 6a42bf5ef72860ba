// fuzz.h - the entry point of libFuzzer, which every target defines.
#ifndef DOGB_FUZZ_H
#define DOGB_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
