// A fold is trained as the same pictures in a train and a valid folder would be, alone or beside
// the other folds in one bank.
#include "fixture.h"

#include "core/error.h"
#include "dataset/dataset_internal.h"
#include "trainer/bank.h"

enum { FOLDS = 3, PER_CLASS = 14, ALL = FIXTURE_CLASSES * PER_CLASS };

static const char *const classes[FIXTURE_CLASSES] = {"ant", "bee", "cat"};

typedef struct folded {
    fixture f; // of set/class/NNN.png, split by a draw
    dogbreed_dataset *joined;
    int32_t folds[ALL];
} folded;

static void open_folded(folded *d) {
    memset(d, 0, sizeof *d);
    char path[600];
    fixture *f = &d->f;
    (void)snprintf(f->root, sizeof f->root, "%s", test_folder());
    for (int32_t label = 0; label < FIXTURE_CLASSES; label++) {
        (void)snprintf(path, sizeof path, "%s/data/%s", f->root, classes[label]);
        assert_ok(dogb_directory_make(path));
        size_t length = strlen(path);
        for (int i = 0; i < PER_CLASS; i++) {
            (void)snprintf(path + length, sizeof path - length, "/%03d.png", i);
            fixture_picture(path, label, (uint64_t)i);
        }
    }
    fixture_open_data(f);
    assert_ok(dogb_dataset_join(&d->joined, f->train, f->valid));
    assert_ok(dogb_dataset_folds(d->folds, d->joined, FOLDS, 5, 1));
}

static void close_folded(folded *d) {
    dogbreed_dataset_destroy(d->joined);
    fixture_close(&d->f);
}

static dogbreed_trainer *fold_trainer(const folded *d, dogbreed_model *model, int32_t number) {
    dogbreed_trainer *trainer = NULL;
    dogb_fold fold = {.numbers = d->folds, .number = number};
    assert_ok(dogb_trainer_create_fold(&trainer, model, d->joined, &fold, &d->f.options));
    return trainer;
}

// The same pictures as root/data/{train,valid}/class/NNN.png.
static void open_as_folder(fixture *out, const folded *d, int32_t number) {
    char path[700];
    *out = d->f;
    (void)snprintf(out->root, sizeof out->root, "%s", test_folder());
    for (int64_t i = 0; i < dogbreed_dataset_size(d->joined); i++) {
        dogbreed_sample sample = {.struct_size = sizeof sample};
        assert_ok(dogbreed_dataset_sample(d->joined, i, &sample));
        (void)snprintf(path, sizeof path, "%s/data/%s/%s", out->root,
                       d->folds[i] == number ? "valid" : "train", classes[sample.label]);
        assert_ok(dogb_directory_make(path));
        (void)strncat(path, strrchr(sample.path, '/'), 20);
        assert_int_equal(link(sample.path, path), 0);
    }
    dogbreed_trainer_options options = d->f.options;
    dogbreed_model_options model = d->f.model;
    fixture_open_data(out);
    out->options = options;
    out->model = model;
    out->options.cache_dir = out->cache;
}

static void same_epochs(const dogbreed_trainer *a, const dogbreed_trainer *b) {
    dogb_trainer_status x;
    dogb_trainer_status y;
    dogb_trainer_status_get(&x, a);
    dogb_trainer_status_get(&y, b);
    assert_int_equal(x.end, DOGB_END_COMPLETED);
    assert_int_equal(x.epoch_count, y.epoch_count);
    assert_int_equal(x.best, y.best);
    for (int32_t e = 0; e < x.epoch_count; e++) {
        assert_int_equal(x.epochs[e].train_count, y.epochs[e].train_count);
        assert_int_equal(x.epochs[e].val_count, y.epochs[e].val_count);
        assert_true(x.epochs[e].train_loss == y.epochs[e].train_loss);
        assert_true(x.epochs[e].val_loss == y.epochs[e].val_loss);
        assert_true(x.epochs[e].val_accuracy == y.epochs[e].val_accuracy);
        assert_true(x.epochs[e].val_top5 == y.epochs[e].val_top5);
    }
}

static uint64_t kept_weights(const dogbreed_trainer *trainer, const char *root) {
    char path[400];
    dogbreed_model *found = NULL;
    (void)snprintf(path, sizeof path, "%s/kept.safetensors", root);
    assert_ok(dogb_trainer_save_kept(trainer, path));
    assert_ok(dogbreed_model_load(&found, path));
    uint64_t sum = fixture_weights(found);
    dogbreed_model_destroy(found);
    return sum;
}

static void check(folded *d) {
    dogbreed_trainer *trainers[FOLDS];
    dogbreed_model *model = fixture_model(&d->f);
    for (int32_t i = 0; i < FOLDS; i++) {
        trainers[i] = fold_trainer(d, model, i);
    }
    assert_null(dogb_trainer_bank_refusal(trainers, FOLDS));
    assert_ok(dogb_trainer_bank_run(trainers, FOLDS, NULL, NULL));
    for (int32_t i = 0; i < FOLDS; i++) {
        fixture folder;
        dogbreed_model *own = fixture_model(&d->f);
        dogbreed_trainer *alone = fold_trainer(d, own, i);
        open_as_folder(&folder, d, i);
        dogbreed_model *other = fixture_model(&folder);
        dogbreed_trainer *plain = fixture_trainer(&folder, other);
        assert_ok(dogbreed_trainer_run(alone));
        assert_ok(dogbreed_trainer_run(plain));
        same_epochs(trainers[i], plain);
        same_epochs(alone, plain);
        uint64_t sum = fixture_weights(other);
        assert_true(kept_weights(trainers[i], d->f.root) == sum);
        assert_true(fixture_weights(own) == sum);
        dogbreed_trainer_destroy(alone);
        dogbreed_trainer_destroy(plain);
        dogbreed_model_destroy(own);
        dogbreed_model_destroy(other);
        fixture_close(&folder);
        dogbreed_trainer_destroy(trainers[i]);
    }
    dogbreed_model_destroy(model);
}

static void folds_of_a_head(void **state) {
    (void)state;
    folded d;
    open_folded(&d);
    check(&d);
    d.f.model.head = "mlp:9:0.2";
    d.f.options.threads = 2;
    check(&d);
    close_folded(&d);
}

// Without stored features there is no bank; a fold is trained all the same.
static void a_fold_of_a_whole_network(void **state) {
    (void)state;
    folded d;
    open_folded(&d);
    fixture folder;
    fixture_whole(&d.f);
    d.f.options.epochs = 2;
    d.f.options.augment = 0; // drawn by a picture's number
    open_as_folder(&folder, &d, 1);
    dogbreed_model *own = fixture_model(&d.f);
    dogbreed_model *other = fixture_model(&folder);
    dogbreed_trainer *fold = fold_trainer(&d, own, 1);
    dogbreed_trainer *plain = fixture_trainer(&folder, other);
    assert_non_null(dogb_trainer_bank_refusal(&fold, 1));
    assert_ok(dogbreed_trainer_run(fold));
    assert_ok(dogbreed_trainer_run(plain));
    same_epochs(fold, plain);
    assert_true(fixture_weights(own) == fixture_weights(other));
    dogbreed_trainer_destroy(fold);
    dogbreed_trainer_destroy(plain);
    dogbreed_model_destroy(own);
    dogbreed_model_destroy(other);
    fixture_close(&folder);
    close_folded(&d);
}

// Other folds, or none, are another table of features' rows.
static void folds_and_others_are_no_bank(void **state) {
    (void)state;
    folded d;
    open_folded(&d);
    int32_t numbers[ALL] = {0};
    dogb_fold fold = {.numbers = numbers, .number = 1};
    dogbreed_model *model = fixture_model(&d.f);
    dogbreed_trainer *trainers[2] = {fold_trainer(&d, model, 0), NULL};
    assert_ok(dogb_trainer_create_fold(&trainers[1], model, d.joined, &fold, &d.f.options));
    assert_non_null(dogb_trainer_bank_refusal(trainers, 2));
    dogbreed_trainer_destroy(trainers[1]);
    trainers[1] = fixture_trainer(&d.f, model);
    assert_non_null(dogb_trainer_bank_refusal(trainers, 2));
    dogbreed_trainer_destroy(trainers[0]);
    dogbreed_trainer_destroy(trainers[1]);
    dogbreed_model_destroy(model);
    close_folded(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_of_a_head),
        cmocka_unit_test(a_fold_of_a_whole_network),
        cmocka_unit_test(folds_and_others_are_no_bank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
