// check.c - the check of a data set as a whole: counts, then what the counts mean.
#include "dataset/check.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { IMBALANCE_MAX = 10 }; // largest class / smallest class without a warning

const dogb_property dogb_properties[DOGB_FOUND_COUNT] = {
    [DOGB_FOUND_BROKEN] = {"broken", "files cannot be read"},
    [DOGB_FOUND_UNSUPPORTED] = {"unsupported", "files are of a kind that is not supported"},
    [DOGB_FOUND_ORIENTED] = {"oriented", "files have an EXIF orientation, which is ignored unless "
                                         "exif_orientation = apply"},
    [DOGB_FOUND_MISNAMED] = {"misnamed", "files have content that is not what their name says"},
    [DOGB_FOUND_WARNED] = {"decode_warnings", "files are damaged but readable"},
    [DOGB_FOUND_BLANK] = {"blank", "pictures are of one colour"},
    [DOGB_FOUND_BOMB] = {"high_decode_ratio", "files decode to more than 1,000 times their size"},
    [DOGB_FOUND_GRAY] = {"gray", NULL},
    [DOGB_FOUND_CMYK] = {"cmyk", NULL},
    [DOGB_FOUND_DEEP] = {"depth16", NULL},
    [DOGB_FOUND_ALPHA] = {"alpha", NULL},
    [DOGB_FOUND_PALETTE] = {"palette", NULL},
    [DOGB_FOUND_PROGRESSIVE] = {"progressive", NULL},
};

int64_t dogb_check_readable(const dogb_check *check, int32_t label, int32_t split) {
    const int64_t *row = &check->tally[(size_t)label * DOGB_SPLIT_COUNT];
    return split == DOGB_SPLIT_ALL ? row[0] + row[1] + row[2] + row[3] : row[split];
}

static int count_files(dogb_check *check) {
    size_t cells = (size_t)dogbreed_dataset_class_count(check->dataset) * DOGB_SPLIT_COUNT;
    check->tally = dogb_alloc(check->arena, cells, sizeof *check->tally);
    check->tally_bad = dogb_alloc(check->arena, cells, sizeof *check->tally_bad);
    if (check->tally == NULL || check->tally_bad == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t i = 0; i < check->count; i++) {
        const dogb_finding *finding = &check->findings[i];
        const dogb_record *record = dogb_record_of(check->dataset, i);
        size_t cell = (size_t)record->label * DOGB_SPLIT_COUNT + (size_t)record->split;
        int bad = finding->code < 0;
        (bad ? check->tally_bad : check->tally)[cell]++;
        check->bad += bad;
        check->split_count[record->split]++;
        for (int f = 0; f < DOGB_FOUND_COUNT; f++) {
            check->found[f] += (finding->flags >> f) & 1;
        }
    }
    check->basis = check->split_count[DOGB_SPLIT_TRAIN] > 0 ? DOGB_SPLIT_TRAIN : DOGB_SPLIT_ALL;
    return DOGBREED_OK;
}

static void reason(dogb_check *check, int invalid, const char *code, int64_t count,
                   const char *text) {
    int32_t room = sizeof check->reasons / sizeof check->reasons[0];
    if (count > 0 && check->reason_count < room) {
        check->reasons[check->reason_count++] =
            (dogb_reason){.code = code, .text = text, .count = count, .invalid = invalid};
    }
}

static void judge_files(dogb_check *check) {
    double share = check->count > 0 ? (double)check->bad / (double)check->count : 0.0;
    reason(check, share > check->options.bad_fraction, "bad_files", check->bad,
           "files cannot be used; see the list under \"bad\"");
    for (int f = DOGB_FOUND_ORIENTED; f < DOGB_FOUND_COUNT; f++) {
        if (dogb_properties[f].text != NULL) {
            reason(check, 0, dogb_properties[f].name, check->found[f], dogb_properties[f].text);
        }
    }
}

static void judge_groups(dogb_check *check) {
    int64_t within = 0;
    int64_t labels = 0;
    int64_t leaks = 0;
    int64_t placeholders = 0;
    for (int64_t i = 0; i < check->group_count; i++) {
        const dogb_group *group = &check->groups[i];
        labels += group->classes > 1;
        leaks += group->splits > 1;
        within += group->classes == 1 && group->splits == 1;
        placeholders += group->count >= DOGB_PLACEHOLDER_MIN;
    }
    reason(check, 0, "leakage", leaks, "pictures are in more than one split");
    reason(check, 0, "label_conflict", labels, "pictures are in more than one class");
    reason(check, 0, "duplicates", within, "pictures are there more than once in their class");
    reason(check, 0, "placeholders", placeholders,
           "pictures are there 10 times or more: are they placeholders?");
}

static int compare_case(const void *a, const void *b) {
    return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

// Classes that differ from another one in case only: a mistake of typing, and one folder on
// systems that do not tell them apart.
static int count_case_twins(const dogb_check *check, int64_t *count) {
    dogb_arena scratch = {0};
    size_t classes = (size_t)dogbreed_dataset_class_count(check->dataset);
    const char **names = dogb_alloc(&scratch, classes, sizeof *names);
    *count = 0;
    if (names == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    memcpy(names, check->dataset->storage->classes, classes * sizeof *names);
    qsort(names, classes, sizeof *names, compare_case);
    for (size_t i = 0; i < classes; i++) {
        *count += (i > 0 && strcasecmp(names[i - 1], names[i]) == 0) ||
                  (i + 1 < classes && strcasecmp(names[i + 1], names[i]) == 0);
    }
    dogb_arena_free(&scratch);
    return DOGBREED_OK;
}

static int judge_classes(dogb_check *check) {
    int32_t classes = dogbreed_dataset_class_count(check->dataset);
    int64_t missing = 0;
    int64_t unreadable = 0;
    int64_t least = INT64_MAX;
    int64_t most = 0;
    int64_t twins = 0;
    for (int32_t c = 0; c < classes; c++) {
        int64_t count = dogb_check_readable(check, c, check->basis);
        unreadable += count == 0;
        least = count < least ? count : least;
        most = count > most ? count : most;
        for (int32_t s = DOGB_SPLIT_TRAIN; s < DOGB_SPLIT_COUNT; s++) {
            missing += s != check->basis && check->split_count[s] > 0 &&
                       dogb_check_readable(check, c, s) == 0;
        }
    }
    int rc = count_case_twins(check, &twins);
    reason(check, 1, "one_class", classes < 2, "class alone: there is nothing to tell apart");
    reason(check, 1, "empty_class", unreadable, "classes have no readable picture to train on");
    reason(check, 0, "missing_class", missing, "times a class has no picture in a split");
    reason(check, 0, "imbalance", least > 0 && most > IMBALANCE_MAX * least ? most / least : 0,
           "times as many pictures are in the largest class as in the smallest");
    reason(check, 0, "case", twins, "classes differ from another one in case only");
    return rc;
}

static void judge_folders(dogb_check *check) {
    const dogb_storage *storage = check->dataset->storage;
    reason(check, 0, "unsupported_files", storage->unsupported.count,
           "image files of a format that is not read are left out");
    reason(check, 0, "stray_files", storage->stray.count,
           "files without an image's extension are left out");
    reason(check, 0, "stray_folders", storage->strange.count,
           "folders beside the splits are left out");
}

int dogbreed_dataset_check(char **json, const dogbreed_dataset *dataset,
                           const dogbreed_check_options *options) {
    DOGB_CHECK(json != NULL, "dogbreed_dataset_check: json is NULL");
    *json = NULL;
    DOGB_CHECK(dataset != NULL, "dogbreed_dataset_check: dataset is NULL");
    dogb_arena arena = {0};
    dogb_check *check = dogb_alloc(&arena, 1, sizeof *check);
    int rc = DOGBREED_ERROR_NO_MEMORY;
    if (check == NULL) {
        goto out;
    }
    check->arena = &arena;
    check->dataset = dataset;
    if ((rc = dogb_table_import(&check->options, &dogb_check_table, options, &arena)) < 0) {
        goto out;
    }
    if ((rc = dogb_check_inspect(check)) < 0 || (rc = dogb_check_group(check)) < 0 ||
        (rc = count_files(check)) < 0) {
        goto out;
    }
    judge_files(check);
    judge_groups(check);
    if ((rc = judge_classes(check)) < 0) {
        goto out;
    }
    judge_folders(check);
    rc = dogb_check_report(json, check);
out:
    dogb_arena_free(&arena);
    return rc;
}
