// pack.c - model.tar.gz: made of a run directory or folder, and unpacked.
#include "core/environment.h"
#include "core/error.h"
#include "core/file.h"
#include "core/tar.h"
#include "core/unpack.h"
#include "job/job_internal.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { PIECE = 1 << 16, LEVEL = 6, UNPACK_FILES_MAX = 1000000 };
static const int64_t UNPACK_BYTES_MAX = (int64_t)64 << 30;

typedef struct packer {
    dogb_writer *writer;
    z_stream stream;
    int64_t time;
    uint8_t piece[PIECE];
} packer;

// Compresses bytes into the file; finish: the last ones.
static int put(packer *p, const void *data, size_t size, int finish) {
    const uint8_t *at = data;
    do {
        size_t count = size < PIECE ? size : PIECE; // zlib counts with 32 bits
        p->stream.next_in = (Bytef *)(uintptr_t)at; // and does not write there
        p->stream.avail_in = (uInt)count;
        at += count;
        size -= count;
        do {
            p->stream.next_out = p->piece;
            p->stream.avail_out = sizeof p->piece;
            (void)deflate(&p->stream, finish && size == 0 ? Z_FINISH : Z_NO_FLUSH);
            int rc = dogb_writer_add(p->writer, p->piece, sizeof p->piece - p->stream.avail_out);
            if (rc < 0) {
                return rc;
            }
        } while (p->stream.avail_out == 0);
    } while (size > 0);
    return DOGBREED_OK;
}

static int put_entry(packer *p, const char *name, const void *data, size_t size) {
    static const uint8_t zeros[DOGB_TAR_BLOCK];
    uint8_t header[DOGB_TAR_BLOCK];
    int rc = dogb_tar_header(header, name, (int64_t)size, p->time);
    rc = rc < 0 ? rc : put(p, header, sizeof header, 0);
    rc = rc < 0 ? rc : put(p, data, size, 0);
    return rc < 0 ? rc : put(p, zeros, -size & (DOGB_TAR_BLOCK - 1), 0);
}

static int put_end(packer *p) {
    static const uint8_t zeros[2 * DOGB_TAR_BLOCK];
    return put(p, zeros, sizeof zeros, 1);
}

static void end_stream(void *stream) {
    (void)deflateEnd(stream);
}

static int begin(packer **out, dogb_arena *arena, const char *archive) {
    packer *p = dogb_alloc(arena, 1, sizeof *p);
    *out = p;
    if (p == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    (void)dogb_source_date(&p->time);
    // zlib's own header: no time, no name.
    if (deflateInit2(&p->stream, LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "out of memory for gzip");
    }
    int rc = dogb_defer(arena, end_stream, &p->stream);
    return rc < 0 ? rc : dogb_writer_open(&p->writer, arena, archive);
}

int dogbreed_job_pack(const char *archive, const char *directory) {
    dogb_arena scratch = {0};
    dogb_map model;
    packer *p = NULL;
    char *card = NULL;
    DOGB_CHECK(archive != NULL && *archive != '\0', "pack: the archive has no name");
    DOGB_CHECK(directory != NULL && *directory != '\0', "pack: the folder has no name");
    char *path = dogb_path_join(&scratch, directory, "model.safetensors");
    int rc =
        path == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_map_open(&model, &scratch, path, SIZE_MAX);
    if (rc < 0 || (rc = dogb_job_card(&card, &scratch, directory)) < 0 ||
        (rc = begin(&p, &scratch, archive)) < 0 ||
        (rc = put_entry(p, "model.safetensors", model.data, model.size)) < 0 ||
        (rc = put_entry(p, "model_card.md", card, strlen(card))) < 0 || (rc = put_end(p)) < 0) {
        goto out;
    }
    rc = dogb_writer_commit(p->writer);
out:
    dogb_arena_free(&scratch);
    return rc;
}

// 1: it holds nothing; 0: something, or it cannot be read.
static int is_empty(const char *directory) {
    DIR *stream = opendir(directory);
    int count = 0;
    for (struct dirent *entry = stream == NULL ? NULL : readdir(stream); entry != NULL;
         entry = readdir(stream)) {
        count++;
    }
    if (stream != NULL) {
        (void)closedir(stream);
    }
    return stream != NULL && count == 2; // "." and ".."
}

int dogbreed_job_unpack(const char *directory, const char *archive) {
    dogb_error_state state;
    DOGB_CHECK(archive != NULL && *archive != '\0', "unpack: the archive has no name");
    DOGB_CHECK(directory != NULL && *directory != '\0', "unpack: the folder has no name");
    const dogb_unpack_conf conf = {.what = archive,
                                   .directory = directory,
                                   .bytes_max = UNPACK_BYTES_MAX,
                                   .files_max = UNPACK_FILES_MAX};
    if (!dogb_file_exists(archive)) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "%s: no such file", archive);
    }
    if (dogb_directory_exists(directory) && !is_empty(directory)) {
        return dogb_fail(DOGBREED_ERROR_EXISTS, "%s: this folder is not empty", directory);
    }
    int rc = dogb_directory_make(directory);
    if (rc < 0) {
        return rc; // what has that place is not ours
    }
    if ((rc = dogb_unpack_file(archive, &conf, NULL)) < 0) {
        dogb_error_save(&state, rc);
        (void)dogb_directory_remove(directory);
        return dogb_error_restore(&state);
    }
    return DOGBREED_OK;
}
