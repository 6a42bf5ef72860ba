// bank_conf.h - what a bank of trainers is to the engine.
#ifndef DOGB_TRAINER_BANK_CONF_H
#define DOGB_TRAINER_BANK_CONF_H

#include "trainer/state.h"

// The heads of trainers that can be one bank, with engine and device known; lists in the arena.
int dogb_bank_conf(dogb_heads_conf *out, dogb_arena *arena, dogbreed_trainer *const *trainers,
                   int32_t count);

#endif
