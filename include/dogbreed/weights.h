/* dogbreed/weights.h - weight files: list, convert, verify.
 *
 * Read: safetensors; PyTorch .pth in its zip, legacy and tar containers, through a restricted
 * pickle machine that executes nothing. Written: safetensors; .pth that
 * torch.load(weights_only=True) accepts.
 */
#ifndef DOGBREED_WEIGHTS_H
#define DOGBREED_WEIGHTS_H

#include <dogbreed/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Tensors of a file:
 * {"file","format","bytes","sha256","metadata":{},"tensors":[{"name","dtype","shape","bytes"}]}.
 * Returns NOT_FOUND, FORMAT (one line: what was wrong), IO. Any thread. */
DOGBREED_API int dogbreed_weights_list(char **json, const char *path);

/* Writes the tensors of `from` to `to`; the ending of `to` names the format (.safetensors, .pth,
 * .pt). Written aside, synced and renamed. Returns NOT_FOUND, FORMAT, UNSUPPORTED, IO. Any thread.
 */
DOGBREED_API int dogbreed_weights_convert(const char *from, const char *to);

/* Reads every byte and checks structure, numbers (NaN, infinities are counted) and, when
 * `architecture` is not NULL, names and shapes against that network:
 * {"ok","problems":[...],"missing":[...],"unexpected":[...],"mismatched":[...],...}. A file that
 * cannot be read is an error; a readable one that does not fit is "ok": false. Any thread. */
DOGBREED_API int dogbreed_weights_verify(char **json, const char *path, const char *architecture);

#ifdef __cplusplus
}
#endif
#endif
