// board.c - the evaluation of a run for TensorBoard, as a run of its own: numbers, confusion
// matrix, the worst mistakes, precision and recall.
#include "report/section.h"

#include "core/clock.h"
#include "core/error.h"
#include "tensorboard/events.h"

#include <math.h>
#include <string.h>

// Of a matrix without names: its side in pixels, unless it has more classes; more than so many
// are no picture any more.
enum { RASTER_SIDE = 720, RASTER_MAX = 1024 };
enum { THRESHOLDS_MAX = 10000, CURVES_MAX = 20 };

typedef struct board {
    dogb_report *r;
    const json_t *evaluation;
    dogb_buffer *events;
    double time;
    int64_t step;
} board;

// A tag of the split: "test/loss". Each has one value.
static dogb_board_place at(const board *b, const char *name) {
    dogb_page *page = b->r->page;
    const char *split = dogb_get_text(b->evaluation, "split");
    split = strcmp(split, "valid") == 0 ? "val" : split; // as curves are called
    const char *tag = dogb_board_tag(
        b->r->arena, dogb_page_format(page, "%s/%s", *split == '\0' ? "test" : split, name));
    page->rc = tag == NULL ? DOGBREED_ERROR_NO_MEMORY : page->rc;
    return (dogb_board_place){
        .tag = tag == NULL ? "" : tag, .time = b->time, .step = b->step, .first = 1};
}

static void add_number(board *b, const char *name, double value) {
    dogb_board_place place = at(b, name);
    dogb_point_event point = {
        .tag = place.tag, .time = b->time, .step = b->step, .value = value, .first = 1};
    if (isfinite(value)) {
        dogb_board_point(b->events, &point);
    }
}

static void add_numbers(board *b) {
    const json_t *e = b->evaluation;
    add_number(b, "accuracy", dogb_get_number(e, "top1"));
    add_number(b, "top5_accuracy", dogb_get_number(e, "top5"));
    add_number(b, "loss", dogb_get_number(e, "loss"));
    add_number(b, "ece", dogb_get_number(dogb_get(e, "calibration"), "ece"));
}

// --- precision and recall

static int fill_row(double *row, const json_t *counts, size_t size) {
    for (size_t i = 0; i < size; i++) {
        row[i] = dogb_number_of(json_array_get(counts, i));
        if (!(row[i] >= 0 && row[i] < 1e15)) {
            return 0;
        }
    }
    return json_array_size(counts) == size;
}

static int add_curve(board *b, const char *name, const json_t *counts) {
    dogb_pr_curve curve;
    const json_t *positives = dogb_get_array(counts, "true_positives");
    const json_t *negatives = dogb_get_array(counts, "false_positives");
    size_t size = json_array_size(positives);
    if (size < 2 || size > THRESHOLDS_MAX) {
        return DOGBREED_OK;
    }
    int rc = dogb_pr_curve_open(&curve, b->r->arena, size);
    if (rc == DOGBREED_OK && fill_row(curve.rows, positives, size) &&
        fill_row(curve.rows + size, negatives, size)) {
        dogb_board_place place = at(b, name);
        dogb_pr_curve_fill(&curve);
        dogb_board_pr_curve(b->events, &place, &curve);
    }
    return rc;
}

// Of all classes together, and of each where there are few. Names may become the same tag: numbers.
static int add_curves(board *b) {
    const json_t *curve = dogb_get(b->evaluation, "pr_curve");
    size_t i = 0;
    const json_t *one = NULL;
    int rc = add_curve(b, "pr_curve", curve);
    json_array_foreach(dogb_get_array(curve, "classes"), i, one) {
        if (rc < 0 || i >= CURVES_MAX) {
            break;
        }
        rc = add_curve(b,
                       dogb_page_format(b->r->page, "pr_curve/%02zu_%s", i,
                                        dogb_report_class(b->r, (double)i)),
                       one);
    }
    return rc;
}

// --- confusion matrix

static void add_image(board *b, const dogb_board_place *place, dogb_board_file file, int32_t width,
                      int32_t height) {
    dogb_image_event event = {.files = &file, .count = 1, .width = width, .height = height};
    dogb_board_images(b->events, place, &event);
}

// With names and numbers, by the module that draws.
static int draw(board *b, const dogb_board_place *place, const dogb_matrix *matrix) {
    dogb_drawing drawing;
    dogb_buffer png = {.arena = b->r->arena};
    double side = fmin(240 + 48.0 * (double)matrix->count, 960);
    int rc = dogb_drawing_open(&drawing, b->r->arena, side, side, matrix->title);
    if (rc == DOGBREED_OK) {
        dogb_matrix_draw(&drawing, matrix, (dogb_box){12, 8, side - 24, side - 16});
        rc = dogb_drawing_png(&png, &drawing, 1);
    }
    if (rc == DOGBREED_OK) {
        add_image(b, place, (dogb_board_file){png.data, png.length}, (int32_t)side, (int32_t)side);
    }
    return rc;
}

static void paint(dogb_image *image, const dogb_matrix *matrix, int32_t cell) {
    size_t row_size = 3 * (size_t)image->width;
    for (size_t row = 0; row < matrix->count; row++) {
        double sum = dogb_matrix_row(matrix, row);
        uint8_t *line = image->pixels + row * (size_t)cell * row_size;
        for (int32_t x = 0; x < image->width; x++) {
            double value = matrix->values[row * matrix->count + (size_t)(x / cell)];
            uint32_t color = dogb_matrix_color(value, sum);
            line[3 * x] = (uint8_t)(color >> 16);
            line[3 * x + 1] = (uint8_t)(color >> 8);
            line[3 * x + 2] = (uint8_t)color;
        }
        for (int32_t i = 1; i < cell; i++) {
            memcpy(line + (size_t)i * row_size, line, row_size);
        }
    }
}

// Each cell a square of pixels.
static int raster(board *b, const dogb_board_place *place, const dogb_matrix *matrix) {
    int32_t count = (int32_t)matrix->count;
    int32_t cell = count < RASTER_SIDE ? RASTER_SIDE / count : 1;
    dogb_image image = {.width = count * cell, .height = count * cell};
    dogb_board_file file = {0};
    uint8_t *png = NULL;
    image.pixels = dogb_alloc(b->r->arena, (size_t)image.width * (size_t)image.height, 3);
    if (image.pixels == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    paint(&image, matrix, cell);
    int rc = dogb_png_encode(&png, &file.size, b->r->arena, &image);
    dogb_release(b->r->arena, image.pixels);
    file.data = png;
    if (rc == DOGBREED_OK) {
        add_image(b, place, file, image.width, image.height);
    }
    return rc;
}

static int add_matrix(board *b) {
    dogb_matrix matrix;
    dogb_board_place place = {
        .tag = "plots/confusion_matrix", .time = b->time, .step = b->step, .first = 1};
    size_t classes = dogb_report_class_count(b->r);
    if (classes == 0 || classes > RASTER_MAX) {
        return DOGBREED_OK;
    }
    int rc = dogb_report_matrix(&matrix, b->r);
    if (rc < 0 || matrix.count == 0) {
        return rc;
    }
    return matrix.count > DOGB_REPORT_MATRIX_MAX || b->r->page->no_pictures
               ? raster(b, &place, &matrix)
               : draw(b, &place, &matrix);
}

// --- worst mistakes

// TensorBoard shows pictures of one size: in the middle of a white square.
static int frame(dogb_board_file *out, dogb_arena *arena, const dogb_image *image, int32_t side) {
    size_t row_size = 3 * (size_t)side;
    size_t margin = (size_t)(side - image->width) / 2;
    size_t top = (size_t)(side - image->height) / 2;
    uint8_t *jpeg = NULL;
    dogb_image square = {
        .pixels = dogb_alloc(arena, (size_t)side, row_size), .width = side, .height = side};
    if (square.pixels == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    memset(square.pixels, 0xff, (size_t)side * row_size);
    for (int32_t y = 0; y < image->height; y++) {
        memcpy(square.pixels + (top + (size_t)y) * row_size + 3 * margin,
               image->pixels + (size_t)y * 3 * (size_t)image->width, 3 * (size_t)image->width);
    }
    int rc = dogb_jpeg_encode(&jpeg, &out->size, arena, &square, DOGB_REPORT_QUALITY);
    dogb_release(arena, square.pixels);
    out->data = jpeg;
    return rc;
}

static int add_pictures(board *b, const json_t *rows) {
    int32_t side = b->r->options->thumbnail;
    size_t i = 0, count = 0;
    const json_t *row = NULL;
    dogb_board_file *files = dogb_alloc(b->r->arena, json_array_size(rows) + 1, sizeof *files);
    if (files == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    json_array_foreach(rows, i, row) {
        dogb_image image = {0};
        int rc = dogb_report_picture(&image, b->r, row);
        if (rc == DOGBREED_OK) {
            rc = frame(&files[count++], b->r->arena, &image, side);
            dogb_release(b->r->arena, image.pixels);
        } else if (rc != DOGBREED_ERROR_NO_MEMORY) { // it is gone or damaged
            continue;
        }
        if (rc < 0) {
            return rc;
        }
    }
    if (count > 0) {
        dogb_board_place place = at(b, "worst");
        dogb_image_event event = {.files = files, .count = count, .width = side, .height = side};
        dogb_board_images(b->events, &place, &event);
    }
    return DOGBREED_OK;
}

// Nothing in it means anything to Markdown.
static void put_cell(dogb_buffer *out, const char *text) {
    for (const char *c = text; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;
        int plain = byte >= 0x80 || strchr(" ,./'=:%", byte) != NULL ||
                    (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                    (byte >= 'a' && byte <= 'z');
        if (plain || byte < 0x20) {
            dogb_buffer_put(out, plain ? c : " ", 1);
        } else {
            dogb_buffer_add(out, "&#");
            dogb_buffer_integer(out, byte);
            dogb_buffer_add(out, ";");
        }
    }
    dogb_buffer_add(out, " | ");
}

// The list that belongs to the pictures.
static int add_list(board *b, const json_t *rows) {
    dogb_page *page = b->r->page;
    dogb_buffer text = {.arena = b->r->arena};
    size_t i = 0;
    const json_t *row = NULL;
    dogb_buffer_add(&text,
                    "| true | said | probability | loss | picture |\n|---|---|---|---|---|\n");
    json_array_foreach(rows, i, row) {
        dogb_buffer_add(&text, "| ");
        put_cell(&text, dogb_report_class(b->r, dogb_get_number(row, "true")));
        put_cell(&text, dogb_report_class(b->r, dogb_get_number(row, "predicted")));
        put_cell(&text, dogb_page_percent(page, dogb_get_number(row, "probability"), 1));
        put_cell(&text, dogb_page_fixed(page, dogb_get_number(row, "loss"), 3));
        put_cell(&text, dogb_get_text(row, "path"));
        dogb_buffer_add(&text, "\n");
    }
    if (text.rc == DOGBREED_OK) {
        dogb_board_place place = at(b, "worst_list");
        dogb_board_text(b->events, &place, (const char *const[]){text.data}, 1);
    }
    return text.rc;
}

static int add_worst(board *b) {
    const json_t *rows = dogb_get_array(b->r->json, "worst");
    if (json_array_size(rows) == 0) {
        return DOGBREED_OK;
    }
    int rc = add_list(b, rows);
    return rc < 0 || !b->r->options->gallery ? rc : add_pictures(b, rows);
}

int dogb_report_board(dogb_buffer *out, dogb_report *r) {
    board b = {.r = r,
               .evaluation = r->source->documents[DOGB_FILE_EVALUATION],
               .events = out,
               .time = dogb_clock_wall(),
               .step = dogb_report_best_epoch(r)};
    if (b.evaluation == NULL) {
        return DOGBREED_OK;
    }
    dogb_board_version(out, b.time);
    add_numbers(&b);
    int rc = add_matrix(&b);
    rc = rc < 0 ? rc : add_curves(&b);
    rc = rc < 0 ? rc : add_worst(&b);
    rc = rc < 0 ? rc : r->page->rc;
    return rc < 0 ? rc : out->rc;
}
