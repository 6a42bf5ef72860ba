// augment.c - colour jitter as torchvision's ColorJitter does it on PIL images: Pillow's
// ImageEnhance and its HSV conversion, with their float arithmetic operation by operation.
#include "image/image.h"
#include "core/error.h"

#include <math.h>

// Pillow's convert("L"): ITU-R 601 with 16-bit weights.
static uint8_t luma(const uint8_t *pixel) {
    return (uint8_t)((pixel[0] * 19595u + pixel[1] * 38470u + pixel[2] * 7471u + 0x8000u) >> 16);
}

// Pillow's Image.blend of a degenerate value with a sample. Between 0 and 1 the result cannot leave
// the range and is truncated; outside it is clipped.
static uint8_t blend(uint8_t degenerate, uint8_t sample, float factor) {
    float value = (float)degenerate + factor * (float)((int)sample - (int)degenerate);
    return (uint8_t)(value <= 0.0f ? 0.0f : value >= 255.0f ? 255.0f : value);
}

static void brightness(uint8_t *pixels, size_t count, double factor) {
    uint8_t table[256];
    for (int i = 0; i < 256; i++) {
        table[i] = blend(0, (uint8_t)i, (float)factor);
    }
    for (size_t i = 0; i < count * 3; i++) {
        pixels[i] = table[pixels[i]];
    }
}

static void contrast(uint8_t *pixels, size_t count, double factor) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += luma(pixels + i * 3);
    }
    uint8_t mean = (uint8_t)((double)sum / (double)count + 0.5);
    uint8_t table[256];
    for (int i = 0; i < 256; i++) {
        table[i] = blend(mean, (uint8_t)i, (float)factor);
    }
    for (size_t i = 0; i < count * 3; i++) {
        pixels[i] = table[pixels[i]];
    }
}

static void saturation(uint8_t *pixels, size_t count, double factor) {
    for (size_t i = 0; i < count; i++, pixels += 3) {
        uint8_t gray = luma(pixels);
        for (int c = 0; c < 3; c++) {
            pixels[c] = blend(gray, pixels[c], (float)factor);
        }
    }
}

static uint8_t clip(int value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

// Pillow's rgb2hsv, which follows Python's colorsys with a mix of float and double.
static void to_hsv(uint8_t hsv[3], const uint8_t rgb[3]) {
    uint8_t red = rgb[0], green = rgb[1], blue = rgb[2];
    uint8_t high = red > green ? red : green, low = red < green ? red : green;
    high = high > blue ? high : blue;
    low = low < blue ? low : blue;
    hsv[0] = 0;
    hsv[1] = 0;
    hsv[2] = high;
    if (high == low) {
        return;
    }
    float range = (float)(high - low);
    float share = range / (float)high;
    float from_red = (float)(high - red) / range;
    float from_green = (float)(high - green) / range;
    float from_blue = (float)(high - blue) / range;
    float hue = 0.0f;
    if (red == high) {
        hue = from_blue - from_green;
    } else if (green == high) {
        hue = (float)(2.0 + (double)from_red - (double)from_blue);
    } else {
        hue = (float)(4.0 + (double)from_green - (double)from_red);
    }
    hue = (float)fmod((double)hue / 6.0 + 1.0, 1.0);
    hsv[0] = clip((int)((double)hue * 255.0));
    hsv[1] = clip((int)((double)share * 255.0));
}

static void to_rgb(uint8_t rgb[3], const uint8_t hsv[3]) {
    // Which of value, p, q, t each channel takes in the six sectors.
    static const uint8_t sectors[6][3] = {{0, 3, 1}, {2, 0, 1}, {1, 0, 3},
                                          {1, 2, 0}, {3, 1, 0}, {0, 1, 2}};
    uint8_t value = hsv[2];
    if (hsv[1] == 0) {
        rgb[0] = rgb[1] = rgb[2] = value;
        return;
    }
    double turn = (double)(float)hsv[0] * 6.0 / 255.0;
    int sector = (int)floor(turn);
    float rest = (float)(turn - (double)(float)sector);
    float share = (float)((double)(float)hsv[1] / 255.0);
    double light = (double)(float)value;
    uint8_t levels[4];
    levels[0] = value;
    levels[1] = clip((int)round(light * (1.0 - (double)share)));
    levels[2] = clip((int)round(light * (1.0 - (double)(share * rest))));
    levels[3] = clip((int)round(light * (1.0 - (double)share * (1.0 - (double)rest))));
    for (int c = 0; c < 3; c++) {
        rgb[c] = levels[sectors[sector % 6][c]];
    }
}

static void hue(uint8_t *pixels, size_t count, double factor) {
    uint8_t shift = (uint8_t)(int32_t)(factor * 255); // truncated, wraps around
    for (size_t i = 0; i < count; i++, pixels += 3) {
        uint8_t hsv[3];
        to_hsv(hsv, pixels);
        hsv[0] = (uint8_t)(hsv[0] + shift);
        to_rgb(pixels, hsv);
    }
}

int dogb_transform_jitter(uint8_t *pixels, int32_t width, int32_t height,
                          const dogb_jitter *jitter) {
    static void (*const steps[4])(uint8_t *, size_t, double) = {brightness, contrast, saturation,
                                                                hue};
    const double factors[4] = {jitter->brightness, jitter->contrast, jitter->saturation,
                               jitter->hue};
    DOGB_CHECK(width > 0 && height > 0, "jitter: empty picture");
    for (int i = 0; i < 3; i++) {
        DOGB_CHECK(factors[i] >= 0.0 && factors[i] < 1e6, "jitter: factor %g, expected 0 or more",
                   factors[i]);
    }
    DOGB_CHECK(factors[3] >= -0.5 && factors[3] <= 0.5, "jitter: hue %g, expected -0.5 to 0.5",
               factors[3]);
    int seen = 0;
    for (int i = 0; i < 4; i++) {
        DOGB_CHECK(jitter->order[i] >= 0 && jitter->order[i] < 4,
                   "jitter: order %d, expected 0 to 3", (int)jitter->order[i]);
        seen |= 1 << jitter->order[i];
    }
    DOGB_CHECK(seen == 15, "jitter: order is not a permutation of 0 to 3");
    for (int i = 0; i < 4; i++) {
        int step = jitter->order[i];
        steps[step](pixels, (size_t)width * (size_t)height, factors[step]);
    }
    return DOGBREED_OK;
}
