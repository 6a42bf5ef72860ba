// test_board.c - the evaluation of a run for TensorBoard: what is in the event file, few classes
// and many, with and without pictures; damaged evaluations.
#include "../tensorboard/values.h"
#include "run_folder.h"

#include "plot/chart.h"

#include <math.h>

static dogb_arena arena;
static board_values values;

static int set_up(void **state) {
    (void)scratch_make(state);
    put_run();
    put_pictures();
    return 0;
}

static int each_tear_down(void **state) {
    (void)state;
    dogb_arena_free(&arena);
    return 0;
}

static dogbreed_report_options board_options(void) {
    dogbreed_report_options options;
    assert_ok(dogbreed_report_options_init(&options, sizeof options));
    options.html = 0;
    options.tensorboard = 1;
    return options;
}

static void write_board(const dogbreed_report_options *options) {
    assert_ok(dogbreed_report_write(scratch("run"), options));
    board_read(&values, &arena, scratch("run/evaluation"));
}

static float content(const board_value *value, size_t at) {
    float number = NAN;
    assert_true(4 * at + 4 <= value->value.tensor.content.size);
    memcpy(&number, value->value.tensor.content.data + 4 * at, 4);
    return number;
}

static void what_is_in_it(void **state) {
    (void)state;
    static const float curve[6][4] = {{8, 4, 1, 0},
                                      {12, 2, 1, 0},
                                      {0, 10, 11, 12},
                                      {0, 4, 7, 8},
                                      {0.4F, 4.0F / 6, 0.5F, 0},
                                      {1, 0.5F, 0.125F, 0}};
    dogbreed_report_options options = board_options();
    write_board(&options);
    assert_int_equal(values.restart, -1);
    assert_int_equal(values.count, 8);
    assert_true(board_first(&values, "test/accuracy", "scalars")->number == 0.666667F);
    assert_true(board_first(&values, "test/top5_accuracy", "scalars")->number == 0.9375F);
    assert_true(board_first(&values, "test/loss", "scalars")->number == 0.4321F);
    assert_true(board_first(&values, "test/ece", "scalars")->number == 0.0625F);
    for (size_t i = 0; i < values.count; i++) {
        assert_int_equal(values.items[i].step, 2); // the kept epoch
    }
    board_value *pr = board_first(&values, "test/pr_curve", "pr_curves");
    for (size_t i = 0; i < 24; i++) {
        assert_true(fabsf(content(pr, i) - curve[i / 4][i % 4]) < 1e-6F);
    }
    assert_int_equal(board_images(board_first(&values, "test/worst", "images"), 160), 3);
    int32_t side = has_module() ? 240 + 3 * 48 : 720;
    assert_int_equal(board_images(board_first(&values, "plots/confusion_matrix", "images"), side),
                     1);
    const char *list = board_text(board_first(&values, "test/worst_list", "text"), &arena);
    assert_null(strchr(list, '<'));
    assert_int_equal(count_of(list, "\n"), 2 + 3);
    assert_has(list, "| &#60;script&#62;alert&#40;1&#41;&#60;/script&#62;&#34;&#38;amp&#59; | ");
    assert_has(list, " | 75.0\xc2\xa0% | 4.500 | test/class&#95;2/000.jpg | ");
    assert_false(dogb_file_exists(scratch("run/report.html")));
}

static void pictures_may_be_left_out(void **state) {
    (void)state;
    dogbreed_report_options options = board_options();
    options.gallery_count = 2;
    options.thumbnail = 32;
    write_board(&options);
    assert_int_equal(board_images(board_first(&values, "test/worst", "images"), 32), 2);
    options.gallery = 0;
    write_board(&options);
    assert_int_equal(board_count(&values, "test/worst"), 0);
    assert_int_equal(board_count(&values, "test/worst_list"), 1);
    options.gallery = 1;
    options.pictures = "/nowhere";
    write_board(&options);
    assert_int_equal(board_count(&values, "test/worst"), 0);
    assert_int_equal(records_files(scratch("run/evaluation"), NULL), 1); // replaced
}

static void any_number_of_classes(void **state) {
    (void)state;
    static const struct {
        int classes, drawn, plain; // sides of the picture; 0: none
    } cases[] = {{1, 288, 720},   {20, 960, 720},     {21, 714, 714},
                 {120, 720, 720}, {1000, 1000, 1000}, {1025, 0, 0}};
    dogbreed_report_options options = board_options();
    options.gallery_count = 1;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t side = has_module() ? cases[i].drawn : cases[i].plain;
        put_evaluation(cases[i].classes, 2);
        write_board(&options);
        assert_int_equal(board_count(&values, "plots/confusion_matrix"), side > 0);
        if (side > 0) {
            board_value *image = board_first(&values, "plots/confusion_matrix", "images");
            assert_int_equal(board_images(image, side), 1);
        }
    }
    put_run();
}

// Of 21 classes each is 34 pixels wide: half of a class is right, half goes to the next one.
static void cells_have_colours(void **state) {
    (void)state;
    dogb_image image;
    dogb_image_limits limits;
    dogbreed_report_options options = board_options();
    put_evaluation(21, 4);
    write_board(&options);
    dogb_span file = board_part(board_first(&values, "plots/confusion_matrix", "images"), 2);
    dogb_image_limits_default(&limits);
    assert_ok(dogb_image_decode(&image, NULL, &arena, file.data, file.size, &limits, NULL, "png"));
    for (int row = 0; row < 21; row++) {
        for (int column = 0; column < 21; column++) {
            const uint8_t *pixel =
                image.pixels + 3 * ((34 * row + 33) * image.width + 34 * column + row % 34);
            double value = row == column ? 3 : column == (row + 1) % 21 ? 1 : 0;
            uint32_t color = dogb_matrix_color(value, 4);
            assert_int_equal(pixel[0] << 16 | pixel[1] << 8 | pixel[2], color & 0xffffff);
        }
    }
    put_run();
}

static void nothing_to_tell(void **state) {
    (void)state;
    dogbreed_report_options options = board_options();
    assert_ok(dogb_directory_remove(scratch("run/evaluation")));
    assert_int_equal(unlink(scratch("run/evaluation.json")), 0);
    assert_ok(dogbreed_report_write(scratch("run"), &options));
    assert_false(dogb_directory_exists(scratch("run/evaluation")));
    put_run();
}

static void splits_are_named_as_curves_are(void **state) {
    (void)state;
    static const char *const splits[][2] = {
        {"valid", "val/loss"}, {"", "test/loss"}, {"my split", "my_split/loss"}};
    dogbreed_report_options options = board_options();
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
        char text[160];
        (void)snprintf(text, sizeof text,
                       "{\"format\":\"dogbreed.evaluation\",\"version\":1,\"split\":\"%s\","
                       "\"loss\":0.5}",
                       splits[i][0]);
        put_file("run/evaluation.json", text);
        write_board(&options);
        assert_int_equal(values.count, 1);
        (void)board_first(&values, splits[i][1], "scalars");
    }
    put_run();
}

static void values_of_other_kinds_do_no_harm(void **state) {
    (void)state;
    static const char *const kinds[] = {"null", "-7", "1e308", "\"text\"", "[[],{}]"};
    dogbreed_report_options options = board_options();
    options.gallery_count = 1;
    for (int at = 0, done = 0; !done; at += 5 * test_part()) {
        json_t *with = json_loads(kinds[at % 5], JSON_DECODE_ANY, NULL);
        int left = at;
        put_evaluation(3, 3);
        json_t *document = json_load_file(scratch("run/evaluation.json"), 0, NULL);
        assert_non_null(document);
        replace(document, document, with, &left);
        done = left >= 0;
        assert_int_equal(json_dump_file(document, scratch("run/evaluation.json"), 0), 0);
        write_board(&options);
        json_decref(document);
        json_decref(with);
    }
    put_run();
}

static int board_once(void *userdata) {
    (void)userdata;
    dogbreed_report_options options = board_options();
    return dogbreed_report_write(scratch("run"), &options);
}

static void allocation_failures_are_clean(void **state) {
    (void)state;
    memory_fails_well(board_once);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_in_it, each_tear_down),
        cmocka_unit_test_teardown(pictures_may_be_left_out, each_tear_down),
        cmocka_unit_test_teardown(any_number_of_classes, each_tear_down),
        cmocka_unit_test_teardown(cells_have_colours, each_tear_down),
        cmocka_unit_test_teardown(nothing_to_tell, each_tear_down),
        cmocka_unit_test_teardown(splits_are_named_as_curves_are, each_tear_down),
        cmocka_unit_test_teardown(values_of_other_kinds_do_no_harm, each_tear_down),
        cmocka_unit_test_teardown(allocation_failures_are_clean, each_tear_down),
    };
    return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
