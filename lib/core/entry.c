// entry.c - see entry.h.
#include "core/entry.h"
#include "core/error.h"
#include "core/json.h"
#include "core/unicode.h"

#include <ctype.h>
#include <string.h>

enum { PART_MAX = 255, SHOWN = 200, SET_FIRST = 256 };

static int refuse(const char *what, const char *name, size_t length, const char *why) {
    return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: entry \"%.*s\": %s", what,
                     (int)(length < SHOWN ? length : SHOWN), name, why);
}

// What makes a name dangerous wherever it would lead; NULL: nothing.
static const char *danger(const char *name, size_t length) {
    if (!dogb_text_valid(name, length)) { // NUL is not valid either
        return "its name is not UTF-8";
    }
    if (length > 0 && name[0] == '/') {
        return "an absolute name";
    }
    if (length > 1 && isalpha((unsigned char)name[0]) && name[1] == ':') {
        return "a name with a drive letter";
    }
    for (size_t i = 0; i < length; i++) {
        if (name[i] == '\\') {
            return "a backslash in its name";
        }
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7F) {
            return "a control character in its name";
        }
    }
    return length > DOGB_ENTRY_BYTES_MAX ? "a name of more than 1024 bytes" : NULL;
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
        if (length > PART_MAX) {
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

static size_t place_of(const char *key, size_t capacity) { // FNV-1a
    uint64_t hash = 14695981039346656037U;
    for (; *key != '\0'; key++) {
        hash = (hash ^ (uint8_t)*key) * 1099511628211U;
    }
    return (size_t)(hash ^ hash >> 32) & (capacity - 1);
}

// Where the key is, or where it would be.
static size_t find(const dogb_entry_set *set, const char *key) {
    size_t at = place_of(key, set->capacity);
    while (set->keys[at] != NULL && strcmp(set->keys[at], key) != 0) {
        at = (at + 1) & (set->capacity - 1);
    }
    return at;
}

// Half of the places stay free.
static int grow(dogb_entry_set *set, dogb_arena *arena) {
    dogb_entry_set larger = {.capacity = set->capacity == 0 ? SET_FIRST : set->capacity * 2,
                             .count = set->count};
    larger.names = dogb_alloc(arena, larger.capacity, sizeof *larger.names);
    larger.keys = dogb_alloc(arena, larger.capacity, sizeof *larger.keys);
    if (larger.names == NULL || larger.keys == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < set->capacity; i++) {
        if (set->keys[i] != NULL) {
            size_t at = find(&larger, set->keys[i]);
            larger.keys[at] = set->keys[i];
            larger.names[at] = set->names[i];
        }
    }
    dogb_release(arena, set->names);
    dogb_release(arena, set->keys);
    *set = larger;
    return DOGBREED_OK;
}

int dogb_entry_set_add(dogb_entry_set *set, dogb_arena *arena, const char *what, const char *name) {
    if (set->count * 2 >= set->capacity && grow(set, arena) < 0) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    char *key = dogb_unicode_fold(arena, name);
    char *own = key == NULL ? NULL : dogb_strdup(arena, name);
    if (own == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    size_t at = find(set, key);
    if (set->keys[at] != NULL) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         strcmp(set->names[at], name) == 0
                             ? "%s: entry \"%.200s\": it is there twice (\"%.200s\")"
                             : "%s: entry \"%.200s\": it differs from \"%.200s\" in case only",
                         what, name, set->names[at]);
    }
    set->keys[at] = key;
    set->names[at] = own;
    set->count++;
    return DOGBREED_OK;
}
