// test_scan.c - layouts, order and refusals of dogbreed_dataset_open.
#include "fixture.h"

#include "dataset/dataset_internal.h"

#include <dogbreed/options.h>

static void opens_split_folders(void **state) {
    (void)state;
    put("train/b/1.jpg", "x");
    put("train/a/2.JPG", "x");
    put("train/a/1.jpeg", "x");
    put("val/b/9.png", "x");
    put("test/a/0.PNG", "x");
    put("LICENSE.txt", "x");
    dogbreed_dataset *all = NULL;
    dogbreed_dataset *valid = NULL;
    dogbreed_dataset *train = NULL;
    assert_ok(dogbreed_dataset_open(&all, scratch_folder, NULL));
    assert_int_equal(dogbreed_dataset_size(all), 5);
    assert_int_equal(dogbreed_dataset_class_count(all), 2);
    assert_string_equal(dogbreed_dataset_class_name(all, 0), "a");
    assert_string_equal(dogbreed_dataset_class_name(all, 1), "b");
    assert_null(dogbreed_dataset_class_name(all, 2));
    assert_null(dogbreed_dataset_class_name(all, -1));
    assert_ok(dogbreed_dataset_split(&train, all, "train"));
    assert_ok(dogbreed_dataset_split(&valid, all, "valid"));
    dogbreed_dataset_destroy(all); // splits keep what they need
    assert_int_equal(dogb_dataset_kind(train), DOGB_SPLIT_TRAIN);
    assert_string_equal(dogb_dataset_split_name(valid), "valid");
    assert_string_equal(dogb_dataset_root(valid), scratch_folder);
    assert_int_equal(dogbreed_dataset_size(train), 3);
    assert_string_equal(sample_name(train, 0), "train/a/1.jpeg");
    assert_string_equal(sample_name(train, 1), "train/a/2.JPG");
    assert_string_equal(sample_name(train, 2), "train/b/1.jpg");
    assert_string_equal(sample_name(valid, 0), "val/b/9.png");
    assert_int_equal(sample_label(valid, 0), 1);
    dogbreed_dataset *test = NULL;
    assert_ok(dogbreed_dataset_split(&test, train, "test")); // from a split too
    assert_string_equal(sample_name(test, 0), "test/a/0.PNG");
    dogbreed_dataset_destroy(train);
    dogbreed_dataset_destroy(valid);
    dogbreed_dataset_destroy(test);
    dogbreed_dataset_destroy(NULL);
}

static void orders_like_image_folder(void **state) {
    (void)state;
    // tests/dataset/golden/make.py made the listing with torchvision from these files.
    static const char *const files[] = {
        "B/1.jpg",       "B/10.jpg",       "B/2.jpg",           "B/sub/3.jpg",   "B/sub-a/4.jpg",
        "B/sub/a/5.jpg", "B/\xc3\xa9.jpg", "B/z.JPG",           "a/x.png",       "a/X.png",
        "001.Z/1.jpeg",  "001.A/1.jpg",    "\xc3\xa4/1.jpg",    "a b/c d.jpg",   "a b/c+d.jpg",
        "a.b/c.d.jpg",   "~/1.jpg",        "zz/.jpg.jpg/k.txt", "zz/a/b/c/d.jpg"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        put(files[i], "x");
    }
    dogbreed_dataset *all = NULL;
    assert_ok(dogbreed_dataset_open(&all, scratch_folder, NULL));
    FILE *golden = fopen(test_file("dataset/golden/order.txt"), "r");
    assert_non_null(golden);
    char line[512];
    char ours[512];
    for (int64_t i = 0; i < dogbreed_dataset_size(all); i++) {
        assert_non_null(fgets(line, sizeof line, golden));
        (void)snprintf(ours, sizeof ours, "%d %s %s\n", (int)sample_label(all, i),
                       dogbreed_dataset_class_name(all, sample_label(all, i)), sample_name(all, i));
        assert_string_equal(ours, line);
    }
    assert_null(fgets(line, sizeof line, golden));
    assert_int_equal(fclose(golden), 0);
    dogbreed_dataset_destroy(all);
}

static void follows_links(void **state) {
    (void)state;
    put("train/a/1.jpg", "x");
    put("elsewhere/2.jpg", "x");
    assert_int_equal(symlink("../elsewhere", scratch("train/b")), 0);
    assert_int_equal(symlink("../../elsewhere/2.jpg", scratch("train/a/link.jpg")), 0);
    assert_int_equal(symlink("nowhere.jpg", scratch("train/a/dangling.jpg")), 0);
    dogbreed_dataset *all = NULL;
    assert_ok(dogbreed_dataset_open(&all, scratch_folder, NULL));
    assert_int_equal(dogbreed_dataset_size(all), 4);
    assert_string_equal(sample_name(all, 0), "train/a/1.jpg");
    assert_string_equal(sample_name(all, 1), "train/a/dangling.jpg");
    assert_string_equal(sample_name(all, 2), "train/a/link.jpg");
    assert_string_equal(sample_name(all, 3), "train/b/2.jpg");
    dogbreed_dataset_destroy(all);
}

static void refuses_loops_and_depth(void **state) {
    (void)state;
    dogbreed_dataset *all = NULL;
    put("a/1.jpg", "x");
    assert_int_equal(symlink("..", scratch("a/up")), 0);
    assert_int_equal(symlink(".", scratch("a/self")), 0);
    assert_fails(dogbreed_dataset_open(&all, scratch_folder, NULL), DOGBREED_ERROR_FORMAT,
                 "leads back");
    assert_null(all);
    assert_int_equal(unlink(scratch("a/up")), 0);
    assert_int_equal(unlink(scratch("a/self")), 0);
    put("a/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/"
        "31/32/x.jpg",
        "x");
    assert_fails(dogbreed_dataset_open(&all, scratch_folder, NULL), DOGBREED_ERROR_FORMAT,
                 "32 folders");
    assert_ok(dogb_directory_remove(scratch("a/1/2/3")));
}

static void leaves_out_what_is_no_sample(void **state) {
    (void)state;
    put("a/1.jpg", "x");
    put("a/._1.jpg", "x");
    put("a/.ipynb_checkpoints/1-checkpoint.jpg", "x");
    put("a/notes.txt", "x");
    put("a/jpg", "x");
    put("a/2.webp", "x");
    put("b/1.png", "x");
    put(".git/1.jpg", "x");
    put("README.md", "x");
    dogbreed_dataset *all = NULL;
    assert_ok(dogbreed_dataset_open(&all, scratch_folder, NULL));
    assert_int_equal(dogbreed_dataset_size(all), 2);
    assert_int_equal(dogbreed_dataset_class_count(all), 2);
    dogbreed_dataset_destroy(all);
}

static void split_names_may_be_classes(void **state) {
    (void)state;
    put("car/1.jpg", "x");
    put("train/1.jpg", "x"); // a picture of a train
    dogbreed_dataset *all = NULL;
    assert_ok(dogbreed_dataset_open(&all, scratch_folder, NULL));
    assert_int_equal(dogbreed_dataset_class_count(all), 2);
    assert_string_equal(dogbreed_dataset_class_name(all, 1), "train");
    dogbreed_dataset_destroy(all);
}

static void works_without_train(void **state) {
    (void)state;
    put("test/b/1.jpg", "x");
    put("valid/a/1.jpg", "x");
    put("valid/b/1.jpg", "x");
    dogbreed_dataset *all = NULL;
    dogbreed_dataset *part = NULL;
    assert_ok(dogbreed_dataset_open(&all, scratch_folder, NULL));
    assert_int_equal(dogbreed_dataset_class_count(all), 2);
    assert_ok(dogbreed_dataset_split(&part, all, "test"));
    assert_int_equal(sample_label(part, 0), 1);
    dogbreed_dataset_destroy(part);
    assert_fails(dogbreed_dataset_split(&part, all, "train"), DOGBREED_ERROR_NOT_FOUND,
                 "no images in a split \"train\", only in valid, test");
    assert_null(part);
    assert_fails(dogbreed_dataset_split(&part, all, "dev"), DOGBREED_ERROR_NOT_FOUND,
                 "\"dev\" is no split");
    dogbreed_dataset_destroy(all);
}

static void a_list_says_what_the_classes_are(void **state) {
    (void)state;
    dogbreed_dataset *all = NULL;
    dogbreed_dataset_options options;
    assert_ok(dogbreed_dataset_options_init(&options, sizeof options));
    char path[300];
    (void)snprintf(path, sizeof path, "%s/names", scratch_folder);
    options.class_list = path;
    put("names", "c\r\n\nb\na"); // in any order, with blank lines
    put("part/train/b/1.jpg", "x");
    put("part/valid/c/1.jpg", "x");
    assert_ok(dogbreed_dataset_open(&all, scratch("part"), &options));
    assert_int_equal(dogbreed_dataset_class_count(all), 3);
    assert_string_equal(dogbreed_dataset_class_name(all, 0), "a");
    assert_int_equal(dogbreed_dataset_size(all), 2);
    assert_int_equal(sample_label(all, 0), 1);
    assert_int_equal(sample_label(all, 1), 2);
    dogbreed_dataset_destroy(all);
    put("flat/c/1.jpg", "x"); // class folders alone, too
    assert_ok(dogbreed_dataset_open(&all, scratch("flat"), &options));
    assert_int_equal(sample_label(all, 0), 2);
    dogbreed_dataset_destroy(all);
    put("part/train/d/1.jpg", "x");
    assert_fails(dogbreed_dataset_open(&all, scratch("part"), &options), DOGBREED_ERROR_FORMAT,
                 "train/d: a class that");
    put("names", "a\nb\na\n");
    assert_fails(dogbreed_dataset_open(&all, scratch("part"), &options), DOGBREED_ERROR_FORMAT,
                 "a stands there twice");
    put("names", "a\nb/c\n");
    assert_fails(dogbreed_dataset_open(&all, scratch("part"), &options), DOGBREED_ERROR_FORMAT,
                 "names: line 2");
    put("names", "a\n\xff\n");
    assert_fails(dogbreed_dataset_open(&all, scratch("part"), &options), DOGBREED_ERROR_FORMAT,
                 "not UTF-8");
    put("names", "\n\n");
    assert_fails(dogbreed_dataset_open(&all, scratch("part"), &options), DOGBREED_ERROR_FORMAT,
                 "no names");
    options.class_list = scratch("nothing");
    assert_fails(dogbreed_dataset_open(&all, scratch("part"), &options), DOGBREED_ERROR_NOT_FOUND,
                 "nothing");
    assert_null(all);
}

static void names_what_is_wrong(void **state) {
    (void)state;
    dogbreed_dataset *all = NULL;
    assert_fails(dogbreed_dataset_open(&all, scratch("none"), NULL), DOGBREED_ERROR_NOT_FOUND,
                 "none: no such folder");
    assert_fails(dogbreed_dataset_open(&all, scratch_folder, NULL), DOGBREED_ERROR_FORMAT,
                 "no class folders");
    put("train/1.jpg", "x");
    assert_fails(dogbreed_dataset_open(&all, scratch_folder, NULL), DOGBREED_ERROR_FORMAT,
                 "no class folders");
    assert_fails(dogbreed_dataset_open(&all, scratch("train/1.jpg"), NULL),
                 DOGBREED_ERROR_NOT_FOUND, "no such folder");
    put("train/a/1.jpg", "x");
    put("train/b/1.tiff", "x");
    assert_fails(dogbreed_dataset_open(&all, scratch_folder, NULL), DOGBREED_ERROR_FORMAT,
                 "train/b: a class without images: only formats that are not read "
                 "(train/b/1.tiff)");
    put("train/b/1.jpg", "x");
    put("test/c/1.jpg", "x");
    assert_fails(dogbreed_dataset_open(&all, scratch_folder, NULL), DOGBREED_ERROR_FORMAT,
                 "test/c: a class that");
    assert_int_equal(unlink(scratch("test/c/1.jpg")), 0); // an empty folder is no class
    assert_ok(dogbreed_dataset_open(&all, scratch_folder, NULL));
    dogbreed_dataset_destroy(all);
    put("valid/a/1.jpg", "x");
    put("val/a/1.jpg", "x");
    assert_fails(dogbreed_dataset_open(&all, scratch_folder, NULL), DOGBREED_ERROR_FORMAT,
                 "beside");
    assert_null(all);
    assert_ok(dogb_directory_make(scratch("train/empty")));
    assert_int_equal(unlink(scratch("val/a/1.jpg")), 0);
    assert_int_equal(rmdir(scratch("val/a")), 0);
    assert_fails(dogbreed_dataset_open(&all, scratch_folder, NULL), DOGBREED_ERROR_FORMAT,
                 "train/empty: a class without images, expected");
}

static void understands_uris(void **state) {
    (void)state;
    char uri[512];
    dogbreed_dataset *all = NULL;
    put("with space/a/1.jpg", "x");
    (void)snprintf(uri, sizeof uri, "file://%s/with%%20space//", scratch_folder);
    assert_ok(dogbreed_dataset_open(&all, uri, NULL));
    assert_string_equal(dogb_dataset_root(all), scratch("with space"));
    dogbreed_dataset_destroy(all);
    (void)snprintf(uri, sizeof uri, "%s/with space/", scratch_folder);
    assert_ok(dogbreed_dataset_open(&all, uri, NULL));
    assert_string_equal(dogb_dataset_root(all), scratch("with space"));
    dogbreed_dataset_destroy(all);
    assert_fails(dogbreed_dataset_open(&all, "s3://bucket/data", NULL), DOGBREED_ERROR_UNSUPPORTED,
                 "s3://bucket/data");
    assert_fails(dogbreed_dataset_open(&all, "file://host/data", NULL),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "absolute");
    assert_fails(dogbreed_dataset_open(&all, "", NULL), DOGBREED_ERROR_INVALID_ARGUMENT, "empty");
    assert_fails(dogbreed_dataset_open(NULL, scratch_folder, NULL), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "NULL");
}

static void checks_arguments(void **state) {
    (void)state;
    dogbreed_dataset *all = NULL;
    dogbreed_dataset_options options;
    assert_ok(dogbreed_dataset_options_init(&options, sizeof options));
    assert_int_equal(options.pixels_max, 89478485);
    put("a/1.jpg", "x");
    options.valid_fraction = 0.5;
    options.test_fraction = 0.5;
    assert_fails(dogbreed_dataset_open(&all, scratch_folder, &options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "leave nothing to train on");
    options.valid_fraction = -0.1;
    assert_fails(dogbreed_dataset_open(&all, scratch_folder, &options),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "valid_fraction");
    assert_ok(dogbreed_dataset_open(&all, scratch_folder, NULL));
    dogbreed_sample sample = {.struct_size = sizeof sample};
    assert_fails(dogbreed_dataset_sample(all, 1, &sample), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "index 1");
    assert_fails(dogbreed_dataset_sample(all, -1, &sample), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "index -1");
    sample.struct_size = 0;
    assert_fails(dogbreed_dataset_sample(all, 0, &sample), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "struct_size");
    assert_int_equal(dogbreed_dataset_size(NULL), 0);
    assert_int_equal(dogbreed_dataset_class_count(NULL), 0);
    dogbreed_dataset_destroy(all);
}

static void lists_the_real_data(void **state) {
    (void)state;
    test_data_or_skip(dogs, "dogs120");
    static const struct {
        const char *name;
        int64_t count;
    } splits[] = {{"train", 6680}, {"valid", 835}, {"test", 836}};
    dogbreed_dataset *all = NULL;
    assert_ok(dogbreed_dataset_open(&all, dogs, NULL));
    assert_int_equal(dogbreed_dataset_class_count(all), 120);
    assert_int_equal(dogbreed_dataset_size(all), 8351);
    for (int i = 0; i < 3; i++) {
        dogbreed_dataset *part = NULL;
        assert_ok(dogbreed_dataset_split(&part, all, splits[i].name));
        assert_int_equal(dogbreed_dataset_size(part), splits[i].count);
        dogbreed_dataset_destroy(part);
    }
    dogbreed_dataset_destroy(all);
}

#define ROOTED(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void) {
    const struct CMUnitTest tests[] = {ROOTED(opens_split_folders),
                                       ROOTED(orders_like_image_folder),
                                       ROOTED(follows_links),
                                       ROOTED(refuses_loops_and_depth),
                                       ROOTED(leaves_out_what_is_no_sample),
                                       ROOTED(split_names_may_be_classes),
                                       ROOTED(works_without_train),
                                       ROOTED(a_list_says_what_the_classes_are),
                                       ROOTED(names_what_is_wrong),
                                       ROOTED(understands_uris),
                                       ROOTED(checks_arguments),
                                       cmocka_unit_test(lists_the_real_data)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
