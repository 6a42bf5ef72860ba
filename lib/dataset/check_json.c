// check_json.c - the report of a data check, "dogbreed.check" version 1; docs/dataset.md describes
// it. Every list is cut, every count is whole.
#include "dataset/check.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const split_names[DOGB_SPLIT_COUNT] = {"all", "train", "valid", "test"};

// Owned by `parent` at once, so that a failure later loses nothing. NULL: no memory.
static json_t *nest(json_t *parent, const char *key, json_t *child) {
    int rc =
        json_is_array(parent) ? dogb_json_add(parent, child) : dogb_json_set(parent, key, child);
    return rc < 0 ? NULL : child;
}

static const char *name_of(const dogb_check *check, int64_t sample) {
    return dogb_record_name(check->dataset, dogb_record_of(check->dataset, sample));
}

static int add_reasons(json_t *root, const dogb_check *check) {
    int rc = DOGBREED_OK;
    int worst = 0;
    json_t *list = nest(root, "reasons", json_array());
    if (list == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int32_t i = 0; rc == DOGBREED_OK && i < check->reason_count; i++) {
        const dogb_reason *reason = &check->reasons[i];
        json_t *item = nest(list, NULL, json_object());
        char *text = dogb_format(check->arena, "%lld %s", (long long)reason->count, reason->text);
        if (item == NULL || text == NULL ||
            dogb_json_set_text(item, "severity", reason->invalid ? "error" : "warning") < 0 ||
            dogb_json_set_text(item, "code", reason->code) < 0 ||
            dogb_json_set_int(item, "count", reason->count) < 0) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        rc = dogb_json_set_text(item, "text", text);
        worst = reason->invalid ? 2 : worst == 0 ? 1 : worst;
    }
    static const char *const verdicts[] = {"ok", "warnings", "invalid"};
    return rc < 0 ? rc : dogb_json_set_text(root, "verdict", verdicts[worst]);
}

static int add_splits(json_t *root, const dogb_check *check) {
    json_t *splits = nest(root, "splits", json_object());
    int32_t classes = dogbreed_dataset_class_count(check->dataset);
    for (int s = DOGB_SPLIT_TRAIN; splits != NULL && s < DOGB_SPLIT_COUNT; s++) {
        int64_t good = 0;
        int64_t present = 0;
        if (check->split_count[s] == 0) {
            continue;
        }
        for (int32_t c = 0; c < classes; c++) {
            int64_t count = dogb_check_readable(check, c, s);
            good += count;
            present += count > 0;
        }
        json_t *split = nest(splits, split_names[s], json_object());
        if (split == NULL || dogb_json_set_int(split, "files", check->split_count[s]) < 0 ||
            dogb_json_set_int(split, "readable", good) < 0 ||
            dogb_json_set_int(split, "classes", present) < 0) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    return splits == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static int add_class(json_t *list, const dogb_check *check, int32_t label, int64_t total) {
    int32_t classes = dogbreed_dataset_class_count(check->dataset);
    int64_t count = dogb_check_readable(check, label, check->basis);
    int64_t bad = 0;
    json_t *item = nest(list, NULL, json_object());
    if (item == NULL || dogb_json_set_text(item, "name", check->dataset->storage->classes[label]) ||
        dogb_json_set_int(item, "files", dogb_check_readable(check, label, DOGB_SPLIT_ALL)) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int s = 0; s < DOGB_SPLIT_COUNT; s++) {
        bad += check->tally_bad[(size_t)label * DOGB_SPLIT_COUNT + (size_t)s];
        if (s != DOGB_SPLIT_ALL && check->split_count[s] > 0 &&
            dogb_json_set_int(item, split_names[s], dogb_check_readable(check, label, s)) < 0) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    // The weight that makes every class count the same: N / (classes * n).
    double weight = count > 0 ? (double)total / ((double)classes * (double)count) : 0.0;
    return dogb_json_set_int(item, "bad", bad) < 0 ? DOGBREED_ERROR_NO_MEMORY
                                                   : dogb_json_set_real(item, "weight", weight);
}

static int add_balance(json_t *root, const dogb_check *check, int32_t least, int32_t most) {
    const int32_t ends[2] = {least, most};
    static const char *const keys[2] = {"smallest", "largest"};
    int64_t counts[2];
    json_t *balance = nest(root, "balance", json_object());
    for (int i = 0; i < 2; i++) {
        json_t *item = balance == NULL ? NULL : nest(balance, keys[i], json_object());
        counts[i] = dogb_check_readable(check, ends[i], check->basis);
        if (item == NULL ||
            dogb_json_set_text(item, "name", check->dataset->storage->classes[ends[i]]) < 0 ||
            dogb_json_set_int(item, "files", counts[i]) < 0) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    double ratio = counts[0] > 0 ? (double)counts[1] / (double)counts[0] : INFINITY;
    return dogb_json_set_text(balance, "split", split_names[check->basis]) < 0
               ? DOGBREED_ERROR_NO_MEMORY
               : dogb_json_set_real(balance, "ratio", ratio);
}

static int add_classes(json_t *root, const dogb_check *check) {
    int32_t classes = dogbreed_dataset_class_count(check->dataset);
    int64_t total = 0;
    int32_t least = 0;
    int32_t most = 0;
    for (int32_t c = 0; c < classes; c++) {
        int64_t count = dogb_check_readable(check, c, check->basis);
        total += count;
        least = count < dogb_check_readable(check, least, check->basis) ? c : least;
        most = count > dogb_check_readable(check, most, check->basis) ? c : most;
    }
    json_t *list = nest(root, "classes", json_array());
    int rc =
        list == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_set_int(root, "class_count", classes);
    for (int32_t c = 0; rc == DOGBREED_OK && c < classes && c < DOGB_LIST_CLASSES_MAX; c++) {
        rc = add_class(list, check, c, total);
    }
    return rc < 0 ? rc : add_balance(root, check, least, most);
}

// {"count", "files"} of a property.
static int add_property(json_t *parent, const dogb_check *check, int bit) {
    json_t *item = nest(parent, dogb_properties[bit].name, json_object());
    json_t *files = item == NULL ? NULL : nest(item, "files", json_array());
    if (files == NULL || dogb_json_set_int(item, "count", check->found[bit]) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t i = 0; i < check->count && json_array_size(files) < DOGB_LIST_MAX; i++) {
        if ((check->findings[i].flags >> bit) & 1 &&
            dogb_json_add(files, dogb_json_text(name_of(check, i))) < 0) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    return DOGBREED_OK;
}

static int add_bad(json_t *root, const dogb_check *check) {
    json_t *bad = nest(root, "bad", json_object());
    json_t *files = bad == NULL ? NULL : nest(bad, "files", json_array());
    if (files == NULL || dogb_json_set_int(bad, "count", check->bad) < 0 ||
        dogb_json_set_int(bad, "broken", check->found[DOGB_FOUND_BROKEN]) < 0 ||
        dogb_json_set_int(bad, "unsupported", check->found[DOGB_FOUND_UNSUPPORTED]) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t i = 0; i < check->count && json_array_size(files) < DOGB_LIST_MAX; i++) {
        const dogb_finding *finding = &check->findings[i];
        if (finding->code == DOGBREED_OK) {
            continue;
        }
        json_t *item = nest(files, NULL, json_object());
        if (item == NULL || dogb_json_set_text(item, "file", name_of(check, i)) < 0 ||
            dogb_json_set_text(item, "error", dogbreed_error_name(finding->code)) < 0 ||
            dogb_json_set_text(item, "reason", finding->reason) < 0) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    return DOGBREED_OK;
}

static int add_properties(json_t *root, const dogb_check *check) {
    int64_t formats[3] = {0};
    json_t *properties = nest(root, "properties", json_object());
    json_t *counts = nest(root, "formats", json_object());
    if (properties == NULL || counts == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t i = 0; i < check->count; i++) {
        formats[check->findings[i].format]++;
    }
    int rc = dogb_json_set_int(counts, "jpeg", formats[DOGB_FORMAT_JPEG]);
    rc = rc < 0 ? rc : dogb_json_set_int(counts, "png", formats[DOGB_FORMAT_PNG]);
    for (int bit = DOGB_FOUND_ORIENTED; rc == DOGBREED_OK && bit < DOGB_FOUND_COUNT; bit++) {
        rc = add_property(properties, check, bit);
    }
    return rc;
}

static int add_group(json_t *list, const dogb_check *check, const dogb_group *group) {
    char text[65];
    json_t *item = nest(list, NULL, json_object());
    json_t *files = item == NULL ? NULL : nest(item, "files", json_array());
    dogb_sha256_text(&check->findings[check->members[group->first]].hash, text);
    if (files == NULL || dogb_json_set_int(item, "count", group->count) < 0 ||
        dogb_json_set_text(item, "sha256", text) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t i = 0; i < group->count && i < DOGB_LIST_FILES_MAX; i++) {
        const char *name = name_of(check, check->members[group->first + i]);
        if (dogb_json_add(files, dogb_json_text(name)) < 0) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    return DOGBREED_OK;
}

static int is_leak(const dogb_group *group) {
    return group->splits > 1;
}

static int is_conflict(const dogb_group *group) {
    return group->classes > 1;
}

static int is_within(const dogb_group *group) {
    return group->classes == 1 && group->splits == 1;
}

static int is_placeholder(const dogb_group *group) {
    return group->count >= DOGB_PLACEHOLDER_MIN;
}

static int add_duplicates(json_t *root, const dogb_check *check) {
    static const struct {
        const char *name;
        int (*holds)(const dogb_group *);
    } kinds[] = {{"between_splits", is_leak},
                 {"between_classes", is_conflict},
                 {"within_class", is_within},
                 {"placeholders", is_placeholder}};
    json_t *duplicates = nest(root, "duplicates", json_object());
    for (size_t k = 0; duplicates != NULL && k < sizeof kinds / sizeof kinds[0]; k++) {
        json_t *kind = nest(duplicates, kinds[k].name, json_object());
        json_t *list = kind == NULL ? NULL : nest(kind, "list", json_array());
        int64_t groups = 0;
        int64_t files = 0;
        for (int64_t i = 0; list != NULL && i < check->group_count; i++) {
            if (!kinds[k].holds(&check->groups[i])) {
                continue;
            }
            files += check->groups[i].count;
            if (groups++ < DOGB_LIST_MAX && add_group(list, check, &check->groups[i]) < 0) {
                return DOGBREED_ERROR_NO_MEMORY;
            }
        }
        if (list == NULL || dogb_json_set_int(kind, "groups", groups) < 0 ||
            dogb_json_set_int(kind, "files", files) < 0) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    return duplicates == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static int add_leftover(json_t *parent, const char *name, const dogb_leftover *leftover) {
    json_t *item = nest(parent, name, json_object());
    json_t *files = item == NULL ? NULL : nest(item, "files", json_array());
    if (files == NULL || dogb_json_set_int(item, "count", leftover->count) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int64_t i = 0; i < leftover->count && i < DOGB_LIST_MAX; i++) {
        if (dogb_json_add(files, dogb_json_text(leftover->examples[i])) < 0) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    return DOGBREED_OK;
}

static int add_left_out(json_t *root, const dogb_check *check) {
    const dogb_storage *storage = check->dataset->storage;
    json_t *out = nest(root, "left_out", json_object());
    if (out == NULL || add_leftover(out, "stray_files", &storage->stray) < 0 ||
        add_leftover(out, "unsupported_files", &storage->unsupported) < 0 ||
        add_leftover(out, "hidden", &storage->hidden) < 0 ||
        add_leftover(out, "stray_folders", &storage->strange) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    return DOGBREED_OK;
}

// Roots of the splits and of all; only where every file was read anyhow.
static int add_fingerprint(json_t *root, const dogb_check *check) {
    int rc = DOGBREED_OK;
    json_t *item = nest(root, "fingerprint", json_object());
    if (item == NULL || dogb_json_set_text(item, "algorithm", "sha256-merkle-1") < 0 ||
        dogb_json_set_int(item, "files", check->count) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (int s = DOGB_SPLIT_ALL; rc == DOGBREED_OK && s < DOGB_SPLIT_COUNT; s++) {
        dogbreed_dataset *part = NULL;
        dogb_sha256 hash;
        char text[65];
        int same = s == DOGB_SPLIT_ALL; // the handle itself, whichever split that is
        if (!same && (check->split_count[s] == 0 || check->split_count[s] == check->count)) {
            continue;
        }
        if (!same && (rc = dogbreed_dataset_split(&part, check->dataset, split_names[s])) < 0) {
            break;
        }
        rc = dogb_dataset_fingerprint(&hash, same ? check->dataset : part, check->options.threads);
        dogbreed_dataset_destroy(part);
        if (rc == DOGBREED_OK) {
            dogb_sha256_text(&hash, text);
            rc = dogb_json_set_text(item, same ? "root" : split_names[s], text);
        }
    }
    return rc;
}

int dogb_check_report(char **json, dogb_check *check) {
    const dogbreed_dataset *dataset = check->dataset;
    json_t *root = dogb_json_document(check->arena, "check", 1);
    int rc = root == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    static int (*const parts[])(json_t *, const dogb_check *) = {
        add_reasons,    add_splits,     add_classes,  add_bad,
        add_properties, add_duplicates, add_left_out, dogb_check_add_sizes};
    if (rc < 0 || (rc = dogb_json_set_text(root, "root", dogb_dataset_root(dataset))) < 0 ||
        (rc = dogb_json_set_text(root, "split", dogb_dataset_split_name(dataset))) < 0 ||
        (rc = dogb_json_set_text(root, "layout", dataset->storage->drawn ? "classes" : "splits")) <
            0 ||
        (rc = dogb_json_set_bool(root, "decoded", check->options.decode)) < 0 ||
        (rc = dogb_json_set_int(root, "files", check->count)) < 0) {
        return rc;
    }
    for (size_t i = 0; rc == DOGBREED_OK && i < sizeof parts / sizeof parts[0]; i++) {
        rc = parts[i](root, check);
    }
    if (rc == DOGBREED_OK && check->options.decode) {
        rc = add_fingerprint(root, check);
        rc = rc < 0 ? rc : dogb_check_add_statistics(root, check);
    }
    return rc < 0 ? rc : dogb_json_text_out(json, root, 1);
}
