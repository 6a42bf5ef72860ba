// tiles.h - a function for each number of vectors of a panel, which takes a run of tiles to loops
// whose sizes are constants: DOGB_BY_SIZE(NAME, TYPE, SIZE, LOOPS, N, MOST) makes NAME(const TYPE
// *t), which calls LOOPS(t, t->SIZE, N). Sizes above MOST are not compiled and do nothing.
#ifndef DOGB_ENGINE_NATIVE_TILES_H
#define DOGB_ENGINE_NATIVE_TILES_H

#define DOGB_CASE(P, LOOPS, N, MOST)                                                               \
    case P:                                                                                        \
        if ((P) <= (MOST)) {                                                                       \
            LOOPS(t, (P) <= (MOST) ? (P) : 1, N);                                                  \
        }                                                                                          \
        break;

#define DOGB_BY_SIZE(NAME, TYPE, SIZE, LOOPS, N, MOST)                                             \
    static void NAME(const TYPE *t) {                                                              \
        switch (t->SIZE) {                                                                         \
            DOGB_CASE(1, LOOPS, N, MOST)                                                           \
            DOGB_CASE(2, LOOPS, N, MOST)                                                           \
            DOGB_CASE(3, LOOPS, N, MOST)                                                           \
            DOGB_CASE(4, LOOPS, N, MOST)                                                           \
            DOGB_CASE(5, LOOPS, N, MOST)                                                           \
            DOGB_CASE(6, LOOPS, N, MOST)                                                           \
            DOGB_CASE(7, LOOPS, N, MOST)                                                           \
            DOGB_CASE(8, LOOPS, N, MOST)                                                           \
            DOGB_CASE(9, LOOPS, N, MOST)                                                           \
            DOGB_CASE(10, LOOPS, N, MOST)                                                          \
            DOGB_CASE(11, LOOPS, N, MOST)                                                          \
            DOGB_CASE(12, LOOPS, N, MOST)                                                          \
            DOGB_CASE(13, LOOPS, N, MOST)                                                          \
            DOGB_CASE(14, LOOPS, N, MOST)                                                          \
        default:                                                                                   \
            break;                                                                                 \
        }                                                                                          \
    }

#endif
