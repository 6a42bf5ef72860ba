// list_page.c - see list_page.h.
#include "store/list_page.h"
#include "core/error.h"
#include "store/xml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int bad(dogb_list_page *p, const char *what) {
    return p->rc = dogb_fail(DOGBREED_ERROR_FORMAT, "list of objects: %s", what);
}

static int set_text(dogb_list_page *p, char **slot, const char *text) {
    *slot = dogb_strdup(p->arena, text);
    return p->rc = *slot == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

static int set_size(dogb_list_page *p, const char *text) {
    char *end = NULL;
    errno = 0;
    long long size = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || size < 0) {
        return bad(p, "a size that is no number");
    }
    p->next.size = size;
    return 0;
}

static int end_object(dogb_list_page *p) {
    if (p->next.key == NULL || p->next.etag == NULL || p->next.size < 0) {
        return bad(p, "an object without key, size or ETag");
    }
    p->rc = dogb_objects_add(&p->next, &p->objects);
    p->next = (dogb_object){.size = -1};
    return p->rc;
}

static int end_folder(dogb_list_page *p) {
    if (p->next.key == NULL) {
        return bad(p, "a folder without a name");
    }
    p->rc = dogb_objects_add(&(dogb_object){.key = p->next.key}, &p->objects);
    p->next.key = NULL;
    return p->rc;
}

static int on_element(const char *path, const char *text, void *userdata) {
    static const char root[] = "ListBucketResult";
    dogb_list_page *p = userdata;
    if (strncmp(path, root, sizeof root - 1) != 0) {
        return bad(p, "another document came");
    }
    const char *name = path + sizeof root - 1;
    if (*name == '\0') {
        p->is_root = 1;
        return 0;
    }
    if (strcmp(name, "/Contents/Key") == 0 || strcmp(name, "/CommonPrefixes/Prefix") == 0) {
        return set_text(p, &p->next.key, text);
    }
    if (strcmp(name, "/Contents/ETag") == 0) {
        p->next.etag = dogb_store_etag(p->arena, text);
        return p->rc = p->next.etag == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    }
    if (strcmp(name, "/Contents/Size") == 0) {
        return set_size(p, text);
    }
    if (strcmp(name, "/Contents/LastModified") == 0) {
        p->next.modified = dogb_store_time(text);
    } else if (strcmp(name, "/Contents") == 0) {
        return end_object(p);
    } else if (strcmp(name, "/CommonPrefixes") == 0) {
        return end_folder(p);
    } else if (strcmp(name, "/NextContinuationToken") == 0) {
        return set_text(p, &p->token, text);
    } else if (strcmp(name, "/IsTruncated") == 0) {
        p->more = strcmp(text, "true") == 0;
    } else if (strcmp(name, "/EncodingType") == 0) {
        p->encoded = strcmp(text, "url") == 0;
    }
    return 0;
}

int dogb_list_page_read(dogb_list_page *out, dogb_arena *arena, const char *text, size_t size) {
    *out = (dogb_list_page){.arena = arena, .next = {.size = -1}, .objects = {.arena = arena}};
    int rc = dogb_xml_read(text, size, on_element, out);
    if (rc == DOGBREED_OK && !out->is_root) {
        rc = bad(out, "another document came");
    }
    if (rc == DOGBREED_OK && out->more && (out->token == NULL || *out->token == '\0')) {
        rc = bad(out, "it goes on, but does not say where");
    }
    for (size_t i = 0; out->encoded && rc == DOGBREED_OK && i < out->objects.count; i++) {
        rc = dogb_uri_decode(out->objects.items[i].key);
    }
    if (rc == DOGBREED_OK) { // folders come behind the objects of a page
        dogb_objects_sort(&out->objects);
    }
    return rc;
}
