// test_chart.c - charts as SVG and PNG: names in any script, gaps, values beyond the axis, memory
// that runs out; and what is said where the module that draws is not there.
#include "drawn.h"
#include "out_of_memory.h"

#include "plot/chart.h"

#include <math.h>

static const char evil[] = "<a&b>\"\xc3\xa9 \xe7\x8a\xac\xe7\xa8\xae";
static const char *const notes[] = {"first", "<second>", "bad \xff\x01\n", "fourth"};

static int has_module(void) {
    const dogb_plot_module *module = NULL;
    return test_has_module(dogb_plot_open(&module));
}

// What reports have besides: histograms, shares, matrices.
static void draw_more(dogb_drawing *drawing) {
    static const double edges[] = {0, 1, 2, 4}, counts[] = {3, (double)NAN, 1e300};
    static const double parts[] = {2, 0, -1}, cells[] = {5, 0, 1, 0, 0, 0, 2, 1, 30};
    static const char *const names[] = {evil, "plain", "a name that is longer than there is room"};
    const dogb_series line = {
        .name = "line", .kind = DOGB_SERIES_LINE, .x = edges, .y = edges, .count = 4};
    const dogb_histogram_chart histogram = {.title = evil,
                                            .empty = "nothing",
                                            .x = {.label = "x", .high = 4},
                                            .label = "count",
                                            .edges = edges,
                                            .values = counts,
                                            .count = 3,
                                            .high = 10,
                                            .series = &line,
                                            .series_count = 1,
                                            .notes = names};
    const dogb_shares shares = {evil, "nothing", names, names, parts, 3};
    static const dogb_cells frames[] = {{0, 2}};
    const dogb_matrix matrix = {evil, names, cells, 3, frames, 1};
    const dogb_shares none = {evil, "no part", names, names, parts + 1, 2};
    const dogb_histogram_chart empty = {
        .title = NULL, .empty = "no bar", .edges = edges, .values = parts + 1};
    dogb_histogram_draw(drawing, &histogram, (dogb_box){10, 10, 300, 200});
    dogb_histogram_draw(drawing, &empty, (dogb_box){10, 10, 300, 200});
    dogb_shares_draw(drawing, &shares, (dogb_box){10, 300, 300, dogb_shares_height(3)});
    dogb_shares_draw(drawing, &none, (dogb_box){10, 300, 300, 100});
    dogb_matrix_draw(drawing, &matrix, (dogb_box){10, 600, 300, 300});
}

// Draws one of everything.
static int draw(dogb_drawing *drawing, dogb_arena *arena) {
    static const double x[] = {1, 2, 3, 4}, y[] = {0.5, 1e9, (double)NAN, 0.7};
    static const double low[] = {0.4, 0.4, 0.4, 0.4}, high[] = {0.9, 0.9, 0.9, 0.9};
    static const char *const names[] = {evil, "plain", "a name that is longer than there is room"};
    static const double lines[] = {0, 0.5, 2, (double)NAN, 1, 0.7};
    static const double shades[] = {0, (double)NAN, 1};
    const dogb_series series[] = {
        {.name = "band", .kind = DOGB_SERIES_BAND, .x = x, .y = low, .top = high, .count = 4},
        {.name = "line",
         .kind = DOGB_SERIES_LINE,
         .color = DOGB_COLOR_GREEN,
         .x = x,
         .y = y,
         .count = 4},
        {.name = "steps",
         .kind = DOGB_SERIES_STEPS,
         .color = DOGB_COLOR_RED,
         .x = x,
         .y = low,
         .count = 4},
        {.name = evil,
         .mark = DOGB_MARK_CROSS,
         .color = DOGB_COLOR_BLUE,
         .x = x,
         .y = y,
         .notes = notes,
         .count = 4},
        {.name = "nothing", .x = x, .y = y},
    };
    dogb_chart chart = {.title = evil,
                        .empty = "empty",
                        .x = dogb_scale_numbers("x (s)", 1, 4, 1, 0),
                        .y = dogb_scale_numbers(evil, 0, 1, 0, 0),
                        .series = series,
                        .series_count = 5};
    static const double values[] = {60, 40, 0};
    static const char *const texts[] = {"60 %", "40 %", "0 %"};
    const dogb_bars bars = {"bars", "share (%)", "empty", names, texts, values, 3};
    dogb_scale scales[] = {dogb_scale_names(evil, names, 3), dogb_scale_numbers("v", 0, 1, 0, 0)};
    const dogb_parallel parallel = {"parallel", "empty", "v",    "worse", "better", scales,
                                    2,          lines,   shades, notes,   3};
    int rc = dogb_drawing_open(drawing, arena, 800, 900, evil);
    if (rc == 0) {
        dogb_chart_draw(drawing, &chart, (dogb_box){10, 10, 780, 280});
        dogb_bars_draw(drawing, &bars, (dogb_box){10, 300, 780, 280});
        dogb_parallel_draw(drawing, &parallel, (dogb_box){10, 600, 780, 280});
        draw_more(drawing);
    }
    return rc < 0 ? rc : drawing->rc;
}

// Tags are balanced, attributes are quoted, no raw character stands where XML forbids it. (Whole
// documents are read by Python's parser in the tests of the tool.)
static void assert_well_formed(const char *text) {
    int depth = 0;
    for (const char *at = text; *at != '\0';) {
        unsigned char byte = (unsigned char)*at;
        assert_true(byte >= 0x20 || byte == '\n');
        if (byte == '&') {
            assert_true(strncmp(at, "&lt;", 4) == 0 || strncmp(at, "&gt;", 4) == 0 ||
                        strncmp(at, "&amp;", 5) == 0 || strncmp(at, "&quot;", 6) == 0);
        }
        assert_true(byte != '>');
        if (byte != '<') {
            at++;
            continue;
        }
        int quoted = 0;
        const char *tag = at++;
        for (; *at != '\0' && (quoted || *at != '>'); at++) {
            assert_true(*at != '<');
            quoted ^= *at == '"';
        }
        assert_int_equal(*at, '>');
        depth += tag[1] == '/' ? -1 : at[-1] == '/' ? 0 : 1;
        assert_true(depth >= 0);
        at++;
    }
    assert_int_equal(depth, 0);
}

static char *svg_of(void) {
    dogb_arena arena = {0};
    dogb_drawing drawing;
    dogb_buffer out = {.arena = &arena};
    assert_ok(draw(&drawing, &arena));
    assert_ok(dogb_drawing_svg(&out, &drawing));
    char *text = strdup(out.data);
    dogb_arena_free(&arena);
    return text;
}

static void test_svg(void **state) {
    (void)state;
    if (!has_module()) {
        test_skip("no module that draws");
    }
    char *text = svg_of();
    char *again = svg_of();
    assert_well_formed(text);
    assert_string_equal(text, again); // the same bytes
    assert_non_null(strstr(text, ">&lt;a&amp;b&gt;&quot;\xc3\xa9 \xe7\x8a\xac\xe7\xa8\xae</text>"));
    assert_non_null(strstr(text, "<title>&lt;second&gt;</title>"));
    assert_null(strstr(text, "nothing")); // a series without points
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    assert_null(strstr(text, " id="));             // several can stand in one page
    assert_non_null(strstr(text, "\xe2\x80\xa6")); // what is too long is cut
    free(text);
    free(again);
}

static void test_texts(void **state) {
    (void)state;
    if (!has_module()) {
        test_skip("no module that draws");
    }
    dogb_arena arena = {0};
    dogb_drawing drawing;
    dogb_buffer out = {.arena = &arena};
    const dogb_font font = {.size = 12};
    assert_ok(dogb_drawing_open(&drawing, &arena, 100, 50, "t"));
    double width = dogb_draw_width(&drawing, &font, "MMMM");
    double half = dogb_draw_width(&drawing, &font, "MM");
    assert_true(half > 5 && fabs(width - 2 * half) < 0.1);
    assert_true(dogb_draw_width(&drawing, &font, "") == 0);
    dogb_draw_text(&drawing, &font, 1, 1, "bad \xff\xfe byte\ttab \x7f");
    dogb_draw_text(&drawing, &font, 1, 1,
                   "no\xef\xbf\xbe"
                   "character");
    dogb_draw_text_within(&drawing, &font, 1, 1, "\xe7\x8a\xac\xe7\x8a\xac\xe7\x8a\xac", 30);
    dogb_draw_text_within(&drawing, &font, 1, 1, "no room at all", 0);
    char *length = dogb_alloc(&arena, 20001, 1);
    memset(length, 'w', 20000);
    dogb_draw_text_within(&drawing, &font, 1, 1, length, 50);
    assert_ok(drawing.rc);
    assert_ok(dogb_drawing_svg(&out, &drawing));
    assert_non_null(strstr(out.data, ">bad ?? byte tab  </text>"));
    assert_non_null(strstr(out.data, ">no???character</text>"));
    assert_non_null(strstr(out.data, ">\xe7\x8a\xac\xe2\x80\xa6</text>")); // whole characters
    assert_true(out.length < 3000);
    assert_well_formed(out.data);
    dogb_arena_free(&arena);
}

static void test_png(void **state) {
    (void)state;
    if (!has_module()) {
        test_skip("no module that draws");
    }
    dogb_arena arena = {0};
    dogb_drawing drawing;
    dogb_buffer out = {.arena = &arena};
    static const unsigned char head[] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10};
    assert_ok(draw(&drawing, &arena));
    assert_ok(dogb_drawing_png(&out, &drawing, 2));
    const unsigned char *bytes = (const unsigned char *)out.data;
    assert_memory_equal(bytes, head, 8);
    assert_int_equal(bytes[18] << 8 | bytes[19], 1600);
    assert_int_equal(bytes[22] << 8 | bytes[23], 1800);
    assert_true(out.length > 10000);
    drawing.width = 1e6; // less sharp, but there
    dogb_buffer wide = {.arena = &arena};
    drawing.height = 10;
    assert_ok(dogb_drawing_png(&wide, &drawing, 2));
    dogb_arena_free(&arena);
}

// Two pages: everything, scaled; and paragraphs. A disk that is full is said.
static int make_pdf(dogb_buffer *out, int (*write)(void *, const void *, size_t)) {
    dogb_drawing inner, page;
    dogb_pdf *pdf = NULL;
    const dogb_font font = {.size = 9, .color = DOGB_COLOR_TEXT};
    const dogb_wrap wrap = {.width = 120, .leading = 12, .most = 3, .draw = 1};
    const dogb_pdf_conf conf = {.width = 400,
                                .height = 500,
                                .title = evil,
                                .date = "2026-01-31T12:00:00Z",
                                .write = write,
                                .userdata = out};
    assert_ok(draw(&inner, out->arena));
    assert_ok(dogb_drawing_open(&page, out->arena, 400, 500, evil));
    dogb_draw_other(&page, &inner, 20, 20, 0.4);
    assert_int_equal(page.count, inner.count);
    assert_int_equal(dogb_draw_paragraph(&page, &font, 20, 450, "one", wrap), 1);
    assert_int_equal(dogb_draw_paragraph(&page, &font, 20, 450,
                                         "words that need rather more than three lines of a "
                                         "hundred and twenty points, so that the last one is cut",
                                         wrap),
                     3);
    assert_string_equal(page.shapes[page.count - 3].text, "words that need rather ");
    assert_non_null(strstr(page.shapes[page.count - 1].text, "\xe2\x80\xa6"));
    assert_ok(page.rc);
    int rc = page.module->pdf_open(&pdf, &conf);
    rc = rc < 0 ? rc : page.module->pdf_outline(pdf, evil, 1, 20);
    rc = rc < 0 ? rc : page.module->pdf_page(pdf, page.shapes, page.count);
    rc = rc < 0 ? rc : page.module->pdf_page(pdf, page.shapes, 3);
    int closed = page.module->pdf_close(pdf);
    return rc < 0 ? rc : closed;
}

static size_t areas_of(const double *values, size_t count) {
    static const double edges[] = {0, 1, 2, 3};
    dogb_arena arena = {0};
    dogb_drawing drawing;
    size_t areas = 0;
    const dogb_histogram_chart histogram = {.empty = "nothing",
                                            .x = {.label = "x", .high = 3},
                                            .label = "y",
                                            .edges = edges,
                                            .values = values,
                                            .count = count,
                                            .high = 10};
    assert_ok(dogb_drawing_open(&drawing, &arena, 300, 200, "bars"));
    dogb_histogram_draw(&drawing, &histogram, (dogb_box){0, 0, 300, 200});
    assert_ok(drawing.rc);
    for (size_t i = 0; i < drawing.count; i++) {
        areas += drawing.shapes[i].kind == DOGB_SHAPE_AREA;
    }
    dogb_arena_free(&arena);
    return areas;
}

static void test_gaps_have_no_bar(void **state) {
    (void)state;
    static const double values[] = {5, (double)NAN, 1e9}, none[] = {(double)NAN, 0, 0};
    if (!has_module()) {
        test_skip("the module that draws is not here");
    }
    assert_int_equal(areas_of(values, 3), 2);
    assert_int_equal(areas_of(none, 3), 0);
}

static int disk_is_full(void *userdata, const void *data, size_t size) {
    (void)userdata;
    (void)data;
    (void)size;
    return DOGBREED_ERROR_IO;
}

static void test_pdf(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_buffer a = {.arena = &arena}, b = {.arena = &arena};
    if (!has_module()) {
        test_skip("the module that draws is not here");
    }
    assert_ok(make_pdf(&a, dogb_buffer_write));
    assert_ok(make_pdf(&b, dogb_buffer_write));
    assert_int_equal(a.length, b.length);
    assert_memory_equal(a.data, b.data, a.length);
    assert_memory_equal(a.data, "%PDF-1.", 7);
    assert_int_equal(make_pdf(&a, disk_is_full), DOGBREED_ERROR_IO);
    dogb_arena_free(&arena);
}

static void test_no_memory(void **state) {
    (void)state;
    if (!has_module()) {
        test_skip("no module that draws");
    }
    int failures = 0;
    for (int at = 0;; at += test_part() > 1 ? 37 : 1) {
        dogb_arena arena = {0};
        dogb_drawing drawing;
        dogb_buffer svg = {.arena = &arena};
        dogb_buffer png = {.arena = &arena};
        memory_fail_after(at);
        int rc = draw(&drawing, &arena);
        rc = rc < 0 ? rc : dogb_drawing_svg(&svg, &drawing);
        rc = rc < 0 ? rc : dogb_drawing_png(&png, &drawing, 0.1);
        int failed = memory_restore();
        dogb_arena_free(&arena);
        if (!failed) {
            assert_int_equal(rc, 0);
            break;
        }
        assert_int_equal(rc, DOGBREED_ERROR_NO_MEMORY);
        failures++;
    }
    assert_true(failures > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_svg), cmocka_unit_test(test_texts),
        cmocka_unit_test(test_png), cmocka_unit_test(test_gaps_have_no_bar),
        cmocka_unit_test(test_pdf), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
