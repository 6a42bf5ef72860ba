// entry.c - see entry.h.
#include "core/entry.h"
#include "core/error.h"
#include "core/json.h"
#include "core/unicode.h"

#include <string.h>

enum { SHOWN = 200, SET_FIRST = 256 };

static int refuse(const char *what, const char *name, size_t length, const char *why) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: entry \"%.*s\": %s", what,
                     (int)(length < SHOWN ? length : SHOWN), name, why);
}

static int has_control(const char *name, size_t length) {
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = (uint8_t)name[i];
        if (byte < ' ' || byte == 0x7F || (byte == 0xC2 && (uint8_t)name[i + 1] < 0xA0)) {
            return 1;
        }
    }
    return 0;
}

// What makes a name dangerous wherever it would lead; NULL: nothing.
static const char *danger(const char *name, size_t length) {
    return length > DOGB_ENTRY_BYTES_MAX    ? "a name of more than 1024 bytes"
           : !dogb_text_valid(name, length) ? "its name is not UTF-8" // NUL is not valid either
           : length > 0 && name[0] == '/'   ? "an absolute name"
           : length > 1 && (name[0] | 32) >= 'a' && (name[0] | 32) <= 'z' && name[1] == ':'
               ? "a name with a drive letter"
           : memchr(name, '\\', length) != NULL ? "a backslash in its name"
           : has_control(name, length)          ? "a control character in its name"
                                                : NULL;
}

// Takes "." and empty parts out, in place. NULL, or what is wrong.
static const char *tidy(char *name) {
    char *to = name;
    int depth = 0;
    for (char *part = name; *part != '\0';) {
        size_t length = strcspn(part, "/");
        char *next = part + length + (part[length] == '/');
        if (length == 2 && part[0] == '.' && part[1] == '.') {
            return "\"..\" in its name";
        }
        if (length > DOGB_ENTRY_PART_MAX) {
            return "a part of its name is longer than 255 bytes";
        }
        if (length > 0 && !(length == 1 && *part == '.')) {
            if (to > name) {
                *to++ = '/';
            }
            memmove(to, part, length);
            to += length;
            depth++;
        }
        part = next;
    }
    *to = '\0';
    return depth > DOGB_ENTRY_DEPTH_MAX ? "more than 32 folders inside one another" : NULL;
}

int dogb_entry_name(char **out, dogb_arena *arena, const char *what, const char *name,
                    size_t length) {
    *out = NULL;
    const char *why = danger(name, length);
    if (why != NULL) {
        return refuse(what, name, length, why);
    }
    char *own = dogb_unicode_compose(arena, name, length);
    if (own == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if ((why = tidy(own)) != NULL) {
        return refuse(what, name, length, why);
    }
    *out = own;
    return DOGBREED_OK;
}

int dogb_entry_check(const char *what, const char *name) {
    char own[DOGB_ENTRY_BYTES_MAX + 1];
    size_t length = strlen(name);
    const char *why = danger(name, length);
    if (why == NULL) {
        memcpy(own, name, length + 1);
        why = tidy(own);
    }
    if (why == NULL && (length == 0 || strcmp(own, name) != 0)) {
        why = "an empty part or \".\" in its name";
    }
    return why == NULL ? DOGBREED_OK : refuse(what, name, length, why);
}

// --- names that have been seen

typedef struct dogb_entry_place {
    char *key;        // folded; NULL: free
    const char *name; // a file's; of a folder a file that is in it
    int folder;
} dogb_entry_place;

static size_t start_of(const char *key, size_t length, size_t capacity) { // FNV-1a
    uint64_t hash = 14695981039346656037U;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (uint8_t)key[i]) * 1099511628211U;
    }
    return (size_t)(hash ^ hash >> 32) & (capacity - 1);
}

// Where the key is, or where it would be.
static dogb_entry_place *find(const dogb_entry_set *set, const char *key, size_t length) {
    size_t at = start_of(key, length, set->capacity);
    while (set->places[at].key != NULL && (strncmp(set->places[at].key, key, length) != 0 ||
                                           set->places[at].key[length] != '\0')) {
        at = (at + 1) & (set->capacity - 1);
    }
    return &set->places[at];
}

// Half of the places stay free.
static int grow(dogb_entry_set *set, dogb_arena *arena) {
    dogb_entry_set larger = {.capacity = set->capacity == 0 ? SET_FIRST : set->capacity * 2,
                             .count = set->count};
    larger.places = dogb_alloc(arena, larger.capacity, sizeof *larger.places);
    if (larger.places == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < set->capacity; i++) {
        const dogb_entry_place *place = &set->places[i];
        if (place->key != NULL) {
            *find(&larger, place->key, strlen(place->key)) = *place;
        }
    }
    dogb_release(arena, set->places);
    *set = larger;
    return DOGBREED_OK;
}

static int refuse_both(const char *what, const char *name, const dogb_entry_place *other,
                       int folder) {
    const char *why = other->folder != folder          ? "one is a folder of the other"
                      : strcmp(other->name, name) == 0 ? "it is there twice"
                                                       : "they differ in case or accents only";
    return dogb_fail(DOGBREED_ERROR_FORMAT,
                     "%s: entries \"%.200s\" and \"%.200s\" cannot both be files: %s", what,
                     other->name, name, why);
}

// The first `length` bytes of the key, as a file or as one of its folders.
static int add(dogb_entry_set *set, dogb_arena *arena, const char *what,
               const dogb_entry_place *new, size_t length) {
    if (set->count * 2 >= set->capacity && grow(set, arena) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_entry_place *place = find(set, new->key, length);
    if (place->key != NULL) {
        return new->folder && place->folder ? DOGBREED_OK
                                            : refuse_both(what, new->name, place, new->folder);
    }
    *place = *new;
    place->key = dogb_strndup(arena, new->key, length);
    set->count += place->key != NULL;
    return place->key == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

int dogb_entry_set_add(dogb_entry_set *set, dogb_arena *arena, const char *what, const char *name) {
    dogb_entry_place new = {.key = dogb_unicode_fold(arena, name),
                            .name = dogb_strdup(arena, name)};
    if (new.key == NULL || new.name == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = add(set, arena, what, &new, strlen(new.key));
    new.folder = 1;
    for (const char *at = new.key; rc == DOGBREED_OK && (at = strchr(at, '/')) != NULL; at++) {
        rc = add(set, arena, what, &new, (size_t)(at - new.key));
    }
    dogb_release(arena, new.key);
    return rc;
}
