// tiles.h - a function for each number of vectors of a panel, which takes a tile to its loops:
// tiles(t, P, N) with the numbers as constants. The including file defines TILE, the tile's type,
// and PIXELS_1 to PIXELS_4.
#define DOGB_CASE(P, N, MOST)                                                                      \
    case P:                                                                                        \
        if (P <= (MOST)) {                                                                         \
            tiles(t, P <= (MOST) ? P : 1, N);                                                      \
        }                                                                                          \
        break;

#define DOGB_TILES(N, MOST)                                                                        \
    static void tiles_##N(const TILE *t) {                                                         \
        switch (t->pixels) {                                                                       \
            DOGB_CASE(1, N, MOST)                                                                  \
            DOGB_CASE(2, N, MOST)                                                                  \
            DOGB_CASE(3, N, MOST)                                                                  \
            DOGB_CASE(4, N, MOST)                                                                  \
            DOGB_CASE(5, N, MOST)                                                                  \
            DOGB_CASE(6, N, MOST)                                                                  \
            DOGB_CASE(7, N, MOST)                                                                  \
            DOGB_CASE(8, N, MOST)                                                                  \
            DOGB_CASE(9, N, MOST)                                                                  \
            DOGB_CASE(10, N, MOST)                                                                 \
            DOGB_CASE(11, N, MOST)                                                                 \
            DOGB_CASE(12, N, MOST)                                                                 \
            DOGB_CASE(13, N, MOST)                                                                 \
            DOGB_CASE(14, N, MOST)                                                                 \
        default:                                                                                   \
            break;                                                                                 \
        }                                                                                          \
    }

DOGB_TILES(1, PIXELS_1)
DOGB_TILES(2, PIXELS_2)
DOGB_TILES(3, PIXELS_3)
DOGB_TILES(4, PIXELS_4)
