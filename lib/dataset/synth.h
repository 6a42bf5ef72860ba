// synth.h - one drawn picture: what a class looks like and how its pictures vary.
#ifndef DOGB_DATASET_SYNTH_H
#define DOGB_DATASET_SYNTH_H

#include "core/arena.h"
#include "image/image.h"

#include <stdint.h>

// Name of a class, "striped_red_disc"; the arena owns it. Different for every index of 0..63.
char *dogb_synth_class_name(dogb_arena *arena, int32_t index);

// Draws picture `number` of a class into out: size x size RGB. The same on every machine: only
// additions, products, quotients and roots, which IEEE 754 rounds in one way.
void dogb_synth_draw(dogb_image *out, uint64_t seed, int32_t index, int32_t number);

#endif
