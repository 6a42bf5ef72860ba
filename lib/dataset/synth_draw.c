// synth_draw.c - pictures of shapes, colours and textures. A class is one of each; place, size,
// turn, light, background, noise and things lying about differ from picture to picture, so that a
// class cannot be told by one pixel, by its mean colour or by its outline alone.
#include "dataset/synth.h"

#include "core/rng.h"

#include <math.h>
#include <stddef.h>

typedef struct point {
    double x;
    double y;
} point;

// Corners within the unit circle, y downwards.
static const point square_corners[] = {{-0.72, -0.72}, {0.72, -0.72}, {0.72, 0.72}, {-0.72, 0.72}};
static const point triangle_corners[] = {{0.0, -0.95}, {0.85, 0.55}, {-0.85, 0.55}};
static const point cross_corners[] = {{-0.3, -0.9}, {0.3, -0.9}, {0.3, -0.3},  {0.9, -0.3},
                                      {0.9, 0.3},   {0.3, 0.3},  {0.3, 0.9},   {-0.3, 0.9},
                                      {-0.3, 0.3},  {-0.9, 0.3}, {-0.9, -0.3}, {-0.3, -0.3}};
static const point star_corners[] = {
    {0.0, -1.0}, {0.235, -0.324}, {0.951, -0.309}, {0.38, 0.124},    {0.588, 0.809},
    {0.0, 0.4},  {-0.588, 0.809}, {-0.38, 0.124},  {-0.951, -0.309}, {-0.235, -0.324}};
static const point arrow_corners[] = {{0.0, -0.95}, {0.8, -0.1},  {0.3, -0.1}, {0.3, 0.9},
                                      {-0.3, 0.9},  {-0.3, -0.1}, {-0.8, -0.1}};

static int in_disc(double x, double y) {
    return x * x + y * y < 0.72;
}

static int in_ring(double x, double y) {
    double r = x * x + y * y;
    return r < 0.9 && r > 0.28;
}

static int in_moon(double x, double y) {
    return x * x + y * y < 0.9 && (x - 0.5) * (x - 0.5) + y * y > 0.5;
}

#define CORNERS(list) list, sizeof(list) / sizeof(list)[0]

static const struct shape {
    const char *name;
    int (*inside)(double x, double y); // NULL: a polygon
    const point *corners;
    size_t count;
} shapes[] = {
    {"disc", in_disc, NULL, 0},
    {"square", NULL, CORNERS(square_corners)},
    {"triangle", NULL, CORNERS(triangle_corners)},
    {"star", NULL, CORNERS(star_corners)},
    {"ring", in_ring, NULL, 0},
    {"cross", NULL, CORNERS(cross_corners)},
    {"moon", in_moon, NULL, 0},
    {"arrow", NULL, CORNERS(arrow_corners)},
};

static const struct color {
    const char *name;
    double rgb[3]; // 0..255
} colors[] = {{"red", {205, 50, 45}},     {"orange", {225, 135, 40}}, {"yellow", {220, 205, 60}},
              {"green", {60, 160, 65}},   {"teal", {45, 165, 165}},   {"blue", {55, 85, 200}},
              {"purple", {135, 65, 180}}, {"pink", {225, 120, 175}}};

// Share of the second tone at a place of the shape's own coordinates.
static double fraction(double value) {
    return value - floor(value);
}

static int plain(double x, double y) {
    (void)x;
    (void)y;
    return 0;
}

static int striped(double x, double y) {
    (void)y;
    return fraction(x * 2.2) < 0.5;
}

static int dotted(double x, double y) {
    double u = fraction(x * 2.0) - 0.5;
    double v = fraction(y * 2.0) - 0.5;
    return u * u + v * v < 0.085;
}

static int checked(double x, double y) {
    return (fraction(x * 1.3) < 0.5) != (fraction(y * 1.3) < 0.5);
}

static const struct texture {
    const char *name;
    int (*second)(double x, double y);
} textures[] = {{"plain", plain}, {"striped", striped}, {"dotted", dotted}, {"checked", checked}};

typedef struct look { // of a class
    const struct shape *shape;
    const struct color *color;
    const struct texture *texture;
} look;

// Neighbouring classes share their shape or their colour: one of them alone never tells the class.
static look look_of(int32_t index) {
    int32_t pair = index & 1;
    int32_t group = (index >> 1) & 3;
    int32_t block = index >> 3;
    int32_t shape = group + 4 * (block & 1);
    int32_t variant = pair + 2 * (block >> 1);
    return (look){&shapes[shape], &colors[(variant * 5 + shape / 2) & 7],
                  &textures[(variant + shape) & 3]};
}

char *dogb_synth_class_name(dogb_arena *arena, int32_t index) {
    look what = look_of(index);
    return dogb_format(arena, "%s_%s_%s", what.texture->name, what.color->name, what.shape->name);
}

static double between(dogb_rng *rng, double low, double high) {
    return low + (high - low) * dogb_rng_uniform(rng);
}

// A direction, without sine and cosine: a point in the unit disc, scaled to length 1.
static point direction(dogb_rng *rng) {
    for (;;) {
        point p = {between(rng, -1.0, 1.0), between(rng, -1.0, 1.0)};
        double length = sqrt(p.x * p.x + p.y * p.y);
        if (length <= 1.0 && length > 0.1) {
            return (point){p.x / length, p.y / length};
        }
    }
}

// Even-odd rule.
static int in_polygon(const point *corners, size_t count, double x, double y) {
    int inside = 0;
    for (size_t i = 0, j = count - 1; i < count; j = i++) {
        if ((corners[i].y > y) != (corners[j].y > y) &&
            x < (corners[j].x - corners[i].x) * (y - corners[i].y) / (corners[j].y - corners[i].y) +
                    corners[i].x) {
            inside = !inside;
        }
    }
    return inside;
}

typedef struct thing { // a shape somewhere in the picture
    const struct shape *shape;
    const struct texture *texture;
    point place; // -1..1
    double radius;
    point turn;
    double tones[2][3];
} thing;

typedef struct scene {
    double corner[3]; // background: colours at both ends of a gradient
    double change[3];
    point slope;
    thing things[5]; // the last one is what the picture shows
    int count;
    double noise;
} scene;

static void paint(thing *t, dogb_rng *rng, const double rgb[3], double spread) {
    double light = between(rng, 0.75, 1.15);
    double second = dogb_rng_uniform(rng) < 0.5 ? between(rng, 0.45, 0.65) : between(rng, 1.4, 1.7);
    for (int c = 0; c < 3; c++) {
        t->tones[0][c] = rgb[c] * light + between(rng, -spread, spread);
        t->tones[1][c] = t->tones[0][c] * second;
    }
}

static void compose(scene *s, dogb_rng *rng, const look *what) {
    for (int c = 0; c < 3; c++) {
        s->corner[c] = between(rng, 30, 220);
        s->change[c] = between(rng, -60, 60);
    }
    s->slope = direction(rng);
    s->noise = between(rng, 6, 22);
    s->count = 2 + (int)dogb_rng_below(rng, 3);
    for (int i = 0; i < s->count; i++) { // what lies about: small, of any colour and shape
        thing *t = &s->things[i];
        double rgb[3] = {between(rng, 0, 255), between(rng, 0, 255), between(rng, 0, 255)};
        t->shape = &shapes[dogb_rng_below(rng, sizeof shapes / sizeof shapes[0])];
        t->texture = &textures[0];
        t->place = (point){between(rng, -1, 1), between(rng, -1, 1)};
        t->radius = between(rng, 0.1, 0.24);
        t->turn = direction(rng);
        paint(t, rng, rgb, 0);
    }
    thing *t = &s->things[s->count++];
    t->shape = what->shape;
    t->texture = what->texture;
    t->place = (point){between(rng, -0.38, 0.38), between(rng, -0.38, 0.38)};
    t->radius = between(rng, 0.4, 0.7);
    t->turn = direction(rng);
    paint(t, rng, what->color->rgb, 22);
}

static int covers(const thing *t, double x, double y, int *tone) {
    double dx = (x - t->place.x) / t->radius;
    double dy = (y - t->place.y) / t->radius;
    if (dx * dx + dy * dy > 1.7) {
        return 0;
    }
    double u = dx * t->turn.x + dy * t->turn.y;
    double v = dy * t->turn.x - dx * t->turn.y;
    *tone = t->texture->second(u, v);
    return t->shape->inside != NULL ? t->shape->inside(u, v)
                                    : in_polygon(t->shape->corners, t->shape->count, u, v);
}

// Colour at a place of -1..1, added to sum.
static void sample(const scene *s, double x, double y, double sum[3]) {
    for (int i = s->count - 1; i >= 0; i--) {
        int tone = 0;
        if (covers(&s->things[i], x, y, &tone)) {
            for (int c = 0; c < 3; c++) {
                sum[c] += s->things[i].tones[tone][c];
            }
            return;
        }
    }
    double along = x * s->slope.x + y * s->slope.y;
    for (int c = 0; c < 3; c++) {
        sum[c] += s->corner[c] + s->change[c] * along;
    }
}

static uint8_t to_byte(double value) {
    return value <= 0.0 ? 0 : value >= 255.0 ? 255 : (uint8_t)(value + 0.5);
}

void dogb_synth_draw(dogb_image *out, uint64_t seed, int32_t index, int32_t number) {
    dogb_rng rng;
    scene s = {.count = 0};
    look what = look_of(index);
    dogb_rng_init(&rng, seed, DOGB_RNG_SYNTH, ((uint64_t)(uint32_t)index << 32) | (uint32_t)number,
                  0);
    compose(&s, &rng, &what);
    double step = 2.0 / out->width; // of a pixel; 2 x 2 samples in each
    uint8_t *pixel = out->pixels;
    for (int32_t row = 0; row < out->height; row++) {
        for (int32_t column = 0; column < out->width; column++, pixel += 3) {
            double sum[3] = {0, 0, 0};
            for (int i = 0; i < 4; i++) {
                sample(&s, (column + 0.25 + 0.5 * (i & 1)) * step - 1.0,
                       (row + 0.25 + 0.5 * (i >> 1)) * step - 1.0, sum);
            }
            for (int c = 0; c < 3; c++) {
                double noise = dogb_rng_uniform(&rng) + dogb_rng_uniform(&rng) - 1.0;
                pixel[c] = to_byte(sum[c] / 4.0 + noise * s.noise);
            }
        }
    }
}
