// cluster.c - agglomerative clustering with average linkage: two classes are as near as the mean
// share of their pictures that is taken for the other. When clusters are joined, those ends that
// are nearest come together. Equal ones are joined in the order of their classes, so the result is
// the same everywhere.
#include "report/cluster.h"

#include "core/error.h"

#include <string.h>

// Of two classes: a tenth of both ones' pictures, or a fifth of one's.
static const double GROUP_SHARE = 0.1;

typedef struct joining {
    size_t count;
    const double *alike; // [count][count], of classes
    double *near;        // [count][count], of clusters
    size_t **items; // by cluster: its classes, in order; a cluster is called by its first class
    size_t *sizes;  // 0: it has become part of another
    size_t *group;  // by class: the number of its group; 0: it is in none
} joining;

static int make(joining *j, double **alike, dogb_arena *arena, size_t count) {
    size_t cells = count * count;
    *alike = dogb_alloc(arena, cells, sizeof **alike);
    *j = (joining){
        .count = count,
        .near = dogb_alloc(arena, cells, sizeof *j->near),
        .items = dogb_alloc(arena, count, sizeof *j->items),
        .sizes = dogb_alloc(arena, count, sizeof *j->sizes),
        .group = dogb_alloc(arena, count, sizeof *j->group),
    };
    size_t *all = dogb_alloc(arena, cells, sizeof *all);
    if (*alike == NULL || j->near == NULL || j->items == NULL || j->sizes == NULL ||
        j->group == NULL || all == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        j->items[i] = all + i * count;
        j->items[i][0] = i;
        j->sizes[i] = 1;
    }
    return DOGBREED_OK;
}

static void compare(double *alike, const double *counts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t k = 0; k < count; k++) {
            sum += counts[i * count + k];
        }
        for (size_t k = 0; sum > 0 && k < count; k++) {
            double half = counts[i * count + k] / sum / 2;
            alike[i * count + k] += half;
            alike[k * count + i] += half;
        }
    }
}

// The nearest two clusters; 0: none are near.
static double nearest(const joining *j, size_t *a, size_t *b) {
    double best = 0;
    for (size_t i = 0; i < j->count; i++) {
        for (size_t k = i + 1; j->sizes[i] > 0 && k < j->count; k++) {
            if (j->sizes[k] > 0 && j->near[i * j->count + k] > best) {
                best = j->near[i * j->count + k];
                *a = i;
                *b = k;
            }
        }
    }
    return best;
}

static void turn(size_t *items, size_t size) {
    for (size_t i = 0; i < size / 2; i++) {
        size_t other = items[i];
        items[i] = items[size - 1 - i];
        items[size - 1 - i] = other;
    }
}

// b behind a, each turned so that the classes that meet are the most alike.
static void join(joining *j, size_t a, size_t b) {
    size_t n = j->count, *left = j->items[a], *right = j->items[b];
    size_t left_size = j->sizes[a], right_size = j->sizes[b];
    double best = -1;
    int how = 0;
    for (int turned = 0; turned < 4; turned++) {
        size_t end = turned & 1 ? left[0] : left[left_size - 1];
        size_t begin = turned & 2 ? right[right_size - 1] : right[0];
        if (j->alike[end * n + begin] > best) {
            best = j->alike[end * n + begin];
            how = turned;
        }
    }
    if (how & 1) {
        turn(left, left_size);
    }
    if (how & 2) {
        turn(right, right_size);
    }
    memcpy(left + left_size, right, right_size * sizeof *right);
    for (size_t k = 0; k < n; k++) {
        double mean =
            ((double)left_size * j->near[a * n + k] + (double)right_size * j->near[b * n + k]) /
            (double)(left_size + right_size);
        j->near[a * n + k] = mean;
        j->near[k * n + a] = mean;
    }
    j->sizes[a] += right_size;
    j->sizes[b] = 0;
}

// What has come together so far was near enough: later joins keep it side by side.
static void keep_groups(joining *j) {
    for (size_t i = 0; i < j->count; i++) {
        for (size_t k = 0; j->sizes[i] > 1 && k < j->sizes[i]; k++) {
            j->group[j->items[i][k]] = i + 1;
        }
    }
}

static void join_all(joining *j) {
    size_t a = 0, b = 0;
    int kept = 0;
    for (double near; (near = nearest(j, &a, &b)) > 0;) {
        if (near < GROUP_SHARE && !kept) {
            keep_groups(j);
            kept = 1;
        }
        join(j, a, b);
    }
    if (!kept) {
        keep_groups(j);
    }
}

// The larger clusters first, each from its end with the lower class.
static void put_order(size_t *order, joining *j) {
    size_t at = 0;
    for (;;) {
        size_t most = j->count;
        for (size_t i = 0; i < j->count; i++) {
            if (j->sizes[i] > (most == j->count ? 0 : j->sizes[most])) {
                most = i;
            }
        }
        if (most == j->count) {
            return;
        }
        if (j->items[most][0] > j->items[most][j->sizes[most] - 1]) {
            turn(j->items[most], j->sizes[most]);
        }
        memcpy(order + at, j->items[most], j->sizes[most] * sizeof *order);
        at += j->sizes[most];
        j->sizes[most] = 0;
    }
}

static void put_groups(dogb_clusters *out, const size_t *group, size_t count) {
    size_t last = 0;
    for (size_t i = 0; i < count; i++) {
        size_t own = group[out->order[i]];
        if (own > 0 && own != last) {
            out->groups[out->group_count++] = (dogb_cells){.first = i};
        }
        if (own > 0) {
            out->groups[out->group_count - 1].count++;
        }
        last = own;
    }
}

int dogb_cluster_classes(dogb_clusters *out, dogb_arena *arena, const double *counts,
                         size_t count) {
    dogb_arena scratch = {0};
    joining j;
    double *alike = NULL;
    *out = (dogb_clusters){.order = dogb_alloc(arena, count + 1, sizeof *out->order),
                           .groups = dogb_alloc(arena, count + 1, sizeof *out->groups)};
    if (out->order == NULL || out->groups == NULL || count == 0) {
        return count == 0 ? DOGBREED_OK : DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = make(&j, &alike, &scratch, count);
    if (rc == DOGBREED_OK) {
        compare(alike, counts, count);
        memcpy(j.near, alike, count * count * sizeof *alike);
        j.alike = alike;
        join_all(&j);
        put_order(out->order, &j);
        put_groups(out, j.group, count);
    }
    dogb_arena_free(&scratch);
    return rc;
}
