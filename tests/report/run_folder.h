// run_folder.h - a run directory as the tool leaves it, with names that documents have to escape.
#ifndef DOGB_TEST_REPORT_RUN_FOLDER_H
#define DOGB_TEST_REPORT_RUN_FOLDER_H

#include "out_of_memory.h"
#include "pictures.h"
#include "plot/drawn.h"
#include "plot/module.h"
#include "scratch.h"

#include "core/buffer.h"
#include "core/json.h"

#include <dogbreed/report.h>

#define EVIL "<script>alert(1)</script>\\\"&amp;"
static const char *const class_names[] = {EVIL, "\xd1\x81\xd0\xbe\xd0\xb1\xd0\xb0\xd0\xba\xd0\xb0",
                                          "\xe7\x8a\xac"};

static inline int has_module(void) {
    const dogb_plot_module *module = NULL;
    return test_has_module(dogb_plot_open(&module));
}

static inline void put_file(const char *name, const char *text) {
    const char *path = scratch(name);
    char folder[2048];
    (void)snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    assert_ok(dogb_directory_make(folder));
    assert_ok(dogb_file_replace(path, text, strlen(text)));
}

// evaluation.json of so many classes; of each, `of_class` pictures, the first one taken for the
// next class.
static inline void put_evaluation(int classes, int of_class) {
    dogb_arena arena = {0};
    dogb_buffer out = {.arena = &arena};
    char text[2048];
    int64_t count = (int64_t)classes * of_class;
    (void)snprintf(
        text, sizeof text,
        "{\"format\":\"dogbreed.evaluation\",\"version\":1,\"split\":\"test\","
        "\"count\":%lld,\"correct\":%lld,\"top1\":%.6f,\"top1_low\":0.25,\"top1_high\":"
        "0.875,\"top5\":0.9375,\"loss\":0.4321,\"root\":\"%s/data\",\"calibration\":{"
        "\"ece\":0.0625,\"bins\":[{\"low\":0,\"high\":0.5,\"count\":%lld,\"confidence\":"
        "0.25,\"accuracy\":0.5},{\"low\":0.5,\"high\":1,\"count\":%lld,\"confidence\":"
        "0.75,\"accuracy\":1}],\"temperature\":1.25,\"scaled\":{\"ece\":0.03125,\"loss\":0.4,"
        "\"bins\":[{\"low\":0,\"high\":0.5,\"count\":9,\"confidence\":0.375,"
        "\"accuracy\":0.5}]}},\"roc\":{\"auc\":0.875,\"average_precision\":0.8125,"
        "\"positives\":8,\"negatives\":16,\"threshold\":[0.75,0.25],\"true_positives\":"
        "[4,8],\"false_positives\":[0,8]},\"pr_curve\":{\"true_positives\":[8,4,1,0],"
        "\"false_positives\":[12,2,1,0]},\"classes\":[",
        (long long)count, (long long)(count - classes), 1.0 - 1.0 / of_class, scratch_folder,
        (long long)classes, (long long)(count - classes));
    dogb_buffer_add(&out, text);
    for (int c = 0; c < classes; c++) {
        char name[80];
        (void)snprintf(name, sizeof name, "class %d", c);
        (void)snprintf(text, sizeof text,
                       "%s{\"class\":\"%s\",\"count\":%d,\"correct\":%d,\"predicted\":%d,"
                       "\"precision\":0.5,\"recall\":0.5}",
                       c == 0 ? "" : ",", c < 3 ? class_names[c] : name, of_class, of_class - 1,
                       of_class);
        dogb_buffer_add(&out, text);
    }
    dogb_buffer_add(&out, "],\"confusion\":{\"rows\":[");
    for (int c = 0; c < classes; c++) {
        (void)snprintf(text, sizeof text, "%s[[%d,%d],[%d,1]]", c == 0 ? "" : ",", c, of_class - 1,
                       (c + 1) % classes);
        dogb_buffer_add(&out, text);
    }
    dogb_buffer_add(&out, "]},\"predictions\":[");
    for (int c = 0; c < classes; c++) {
        for (int i = 0; i < of_class; i++) {
            int said = i == 0 ? (c + 1) % classes : c;
            (void)snprintf(text, sizeof text,
                           "%s{\"path\":\"test/class_%d/%03d.jpg\",\"true\":%d,\"predicted\":%d,"
                           "\"probability\":0.75,\"loss\":%d.5,\"top\":[[%d,0.75],[%d,0.25]]}",
                           c + i == 0 ? "" : ",", c, i, c, said, said == c ? 0 : 2 + c, said,
                           (said + 1) % classes);
            dogb_buffer_add(&out, text);
        }
    }
    dogb_buffer_add(&out, "]}");
    assert_ok(out.rc);
    put_file("run/evaluation.json", out.data);
    dogb_arena_free(&arena);
}

static inline void put_run(void) {
    put_file("run/config.json",
             "{\"format\":\"dogbreed.config\",\"version\":1,\"architecture\":\"tiny\","
             "\"optimizer\":\"adam\",\"learning_rate\":0.001,\"batch_size\":32,\"nesterov\":false,"
             "\"data\":\"/data/<photos>\"}");
    put_file("run/manifest.json",
             "{\"format\":\"dogbreed.manifest\",\"version\":1,\"run\":{\"id\":\"run\",\"start\":"
             "\"2026-01-31T12:00:00.000000Z\",\"wall_s\":75.5,\"peak_rss_bytes\":123456789,"
             "\"command_line\":[\"dogbreed\",\"train\",\"it's <here>\"]},\"model\":{"
             "\"architecture\":\"tiny\",\"parameters\":1234567,\"trainable_parameters\":1000},"
             "\"dataset\":{\"classes\":[\"a\",\"b\",\"c\"],\"fingerprint\":{\"train\":{\"files\":"
             "12,\"root\":\"abcd\"}}},\"outputs\":[{\"file\":\"metrics.csv\",\"bytes\":12,"
             "\"sha256\":\"ff\"}]}");
    put_file("run/status.json",
             "{\"format\":\"dogbreed.status\",\"version\":1,\"state\":\"completed\",\"epoch\":3,"
             "\"epochs\":3,\"best\":{\"epoch\":2,\"metric\":\"val_accuracy\",\"value\":0.625}}");
    put_file("run/metrics.csv",
             "epoch,step,train_loss,train_accuracy,val_loss,val_accuracy,val_top5_accuracy,lr\n"
             "1,4,2.5,0.25,2.25,0.5,1,0.001\n2,8,1.5,0.5,1.25,0.625,1,0.0005\n"
             "3,12,1.25,0.75,1.375,,1,0.0001\n");
    put_file("run/debug/findings.json",
             "{\"format\":\"dogbreed.findings\",\"version\":1,\"rules\":[{\"rule\":\"Overfit\","
             "\"status\":\"IssuesFound\",\"violations\":2,\"datapoints\":3,\"parameters\":{"
             "\"patience\":3},\"hits\":[{\"step\":8,\"text\":\"it <learns> by heart\"}],"
             "\"recommendation\":\"raise weight_decay\"},{\"rule\":\"VanishingGradient\","
             "\"status\":\"NotEvaluated\",\"reason\":\"frozen\",\"parameters\":{}}],"
             "\"collections\":[{\"name\":\"losses\",\"mode\":\"TRAIN\",\"interval\":4,\"points\":"
             "3}]}");
    put_file("run/profile/summary.json",
             "{\"format\":\"dogbreed.profile\",\"version\":1,\"job\":{\"seconds\":75.5,"
             "\"initialisation_s\":15,\"loop_s\":60,\"finalisation_s\":0.5},\"modes\":{\"TRAIN\":{"
             "\"ns\":4e10,\"share\":0.6},\"others\":{\"ns\":2e10,\"share\":0.4}},\"phases\":[{"
             "\"name\":\"forward\",\"ns\":3e10,\"share\":0.5,\"count\":12}],\"steps\":{\"count\":"
             "12,\"mean\":0.005,\"p50\":0.004,\"p95\":0.009,\"p99\":0.01,\"max\":0.011,"
             "\"histogram\":{\"edges\":[0.001,0.005,0.011],\"counts\":[8,4]},\"slowest\":[{"
             "\"step\":1,\"seconds\":0.011,\"phases\":{\"forward\":0.01}}]},\"system\":[{"
             "\"metric\":\"cpu\",\"unit\":\"%\",\"max\":100,\"p99\":99,\"p95\":95,\"p50\":75,"
             "\"min\":5}],\"series\":{\"interval_s\":0.5,\"time\":[0,0.5,1],\"cpu\":[5,null,95]},"
             "\"layers\":[{\"name\":\"conv\",\"op\":\"conv2d\",\"forward_ns\":1000000,"
             "\"backward_ns\":0,\"count\":12}],\"loader\":{\"threads\":2},\"overhead\":{},"
             "\"rules\":[{\"rule\":\"StepOutlier\",\"status\":\"IssuesFound\",\"triggered\":1,"
             "\"datapoints\":12,\"parameters\":{\"stddev\":3},\"details\":{\"outliers\":1},"
             "\"recommendation\":\"look at the disks\"}],\"advice\":[{\"option\":"
             "\"loader_threads\",\"value\":2,\"reason\":\"it waits\",\"safe\":true}]}");
    put_file(
        "run/check.json",
        "{\"format\":\"dogbreed.check\",\"version\":1,\"verdict\":\"warnings\",\"class_count\":"
        "3,\"reasons\":[{\"severity\":\"warning\",\"code\":\"gray\",\"count\":2,\"text\":"
        "\"2 <gray> pictures\"}],\"classes\":[{\"name\":\"a\",\"files\":3},{\"name\":\"b\","
        "\"files\":5}],\"splits\":{\"test\":{\"files\":9}}}");
    put_evaluation(3, 3);
}

static inline void put_pictures(void) {
    write_split(scratch("data"), "test", 3, 3, 1);
}

// Allocations of the library fail, one at a time. (jansson's parser aborts when it has no memory.)
static inline void memory_fails_well(int (*call)(void *)) {
    int failures = 0;
    assert_ok(call(NULL)); // opens the module
    for (int at = 0;; at += 1 + at / 16 * test_part()) {
        atomic_store(&memory_left, at);
        dogb_alloc_test(memory_fails, NULL);
        int rc = call(NULL);
        if (!memory_restore()) {
            assert_int_equal(rc, 0);
            break;
        }
        assert_int_equal(rc, DOGBREED_ERROR_NO_MEMORY);
        failures++;
    }
    print_message("# %d allocations failed\n", failures);
    assert_true(failures > 5);
}

static inline char *page_of(const dogbreed_report_options *options) {
    char *html = NULL;
    assert_ok(dogbreed_report_html(&html, scratch("run"), options));
    return html;
}

static inline void assert_has(const char *text, const char *part) {
    if (strstr(text, part) == NULL) {
        fail_msg("expected \"%s\"", part);
    }
}

static inline size_t count_of(const char *text, const char *part) {
    size_t count = 0;
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        count += strncmp(text + i, part, strlen(part)) == 0;
    }
    return count;
}

// Value number *left of a document becomes something else; *left < 0: it has been done.
static inline void replace(json_t *root, json_t *value, json_t *with, int *left) {
    const char *key = NULL;
    void *next = NULL;
    json_t *member = NULL;
    size_t i = 0;
    if (json_is_object(value)) {
        json_object_foreach_safe(value, next, key, member) {
            if (value == root && (strcmp(key, "format") == 0 || strcmp(key, "version") == 0)) {
                continue;
            }
            if ((*left)-- == 0) {
                assert_int_equal(json_object_set(value, key, with), 0);
                return;
            }
            replace(root, member, with, left);
        }
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, member) {
            if ((*left)-- == 0) {
                assert_int_equal(json_array_set(value, i, with), 0);
                return;
            }
            replace(root, member, with, left);
        }
    }
}

#endif
