// bank.h - a bank of heads made of nets: for built-in engines without one of their own. A head is a
// training net and its optimiser, so it has the bits of that net.
#ifndef DOGB_ENGINE_BANK_H
#define DOGB_ENGINE_BANK_H

#include "engine/engine.h"

int dogb_bank_create(dogb_heads **out, const dogb_engine *engine, const dogb_heads_conf *conf);

// The functions of the seam.
void dogb_bank_destroy(dogb_heads *heads);
int64_t dogb_bank_bytes(const dogb_heads_conf *conf, const int32_t *batches, int64_t rows);
int dogb_bank_step(dogb_heads *heads, const float *features, const int32_t *labels, int32_t count,
                   const double *learning_rates, int64_t step, double *losses);
int dogb_bank_eval(dogb_heads *heads, const float *features, const int32_t *labels, int32_t count,
                   dogb_loss *out);
int dogb_bank_read(dogb_heads *heads, int32_t head, int32_t param, float *out, size_t size);
int dogb_bank_write(dogb_heads *heads, int32_t head, int32_t param, const float *data, size_t size);
int dogb_bank_run(dogb_heads *heads, const dogb_heads_data *data, const dogb_heads_work *work,
                  int32_t count);
int dogb_bank_end(dogb_heads *heads, int32_t head);
int dogb_bank_slot_read(dogb_heads *heads, int32_t head, int32_t param, int32_t slot, float *out,
                        size_t size);
int dogb_bank_slot_write(dogb_heads *heads, int32_t head, int32_t param, int32_t slot,
                         const float *data, size_t size);
int64_t dogb_bank_steps(dogb_heads *heads, int32_t head);
int dogb_bank_set_steps(dogb_heads *heads, int32_t head, int64_t steps);

#endif
