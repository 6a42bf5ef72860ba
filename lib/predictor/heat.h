// heat.h - where a network looked: Grad-CAM of its last feature maps, for one class. Networks here
// average these maps over their places and put a head of linear layers on the means, so the
// gradient needs no autograd: it is the same at each place, and that of the head.
#ifndef DOGB_PREDICTOR_HEAT_H
#define DOGB_PREDICTOR_HEAT_H

#include "core/arena.h"

#include <dogbreed/model.h>

typedef struct dogb_heat dogb_heat;

// Borrows the model until close. UNSUPPORTED: a quantised one, or a network that ends otherwise.
// threads: of one picture.
int dogb_heat_open(dogb_heat **out, const dogbreed_model *model, int32_t threads);
void dogb_heat_close(dogb_heat *heat); // NULL is fine

// values: [height][width], the weighted maps as they are; the heat map is what is above 0.
// sum + rest: the class's score (logit): what the maps add to it, and what the head's biases do.
typedef struct dogb_heat_map {
    float *values;
    int32_t height;
    int32_t width;
    double sum;
    double rest;
} dogb_heat_map;

int32_t dogb_heat_side(const dogb_heat *heat); // of the square that the network sees
// The pixels that the network sees, pixels[side * side * 3], and the map of a class, in the arena.
int dogb_heat_file(uint8_t *pixels, dogb_heat_map *out, dogb_heat *heat, dogb_arena *arena,
                   const char *path, int32_t class);

// Pixels with the most heat stay, those without become grey and dark. In place.
void dogb_heat_paint(uint8_t *pixels, int32_t side, const dogb_heat_map *map);

#endif
