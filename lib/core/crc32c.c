// crc32c.c - the checksum of Castagnoli: by the instruction that CPUs with SSE 4.2 have for it,
// else four bits at a step.
#include "core/hash.h"

#include <string.h>

// Of each half byte, reflected polynomial 0x82f63b78.
static const uint32_t table[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

uint32_t dogb_crc32c_plain(uint32_t sum, const void *data, size_t size) {
    const uint8_t *byte = data;
    sum = ~sum;
    for (size_t i = 0; i < size; i++) {
        sum ^= byte[i];
        sum = table[sum & 15] ^ (sum >> 4);
        sum = table[sum & 15] ^ (sum >> 4);
    }
    return ~sum;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t sum, const void *data,
                                                                 size_t size) {
    const uint8_t *byte = data;
    uint64_t state = ~sum;
    for (; size >= 8; size -= 8, byte += 8) {
        uint64_t word = 0;
        memcpy(&word, byte, 8);
        state = _mm_crc32_u64(state, word);
    }
    for (; size > 0; size--, byte++) {
        state = _mm_crc32_u8((uint32_t)state, *byte);
    }
    return ~(uint32_t)state;
}

uint32_t dogb_crc32c_add(uint32_t sum, const void *data, size_t size) {
    return __builtin_cpu_supports("sse4.2") ? by_instruction(sum, data, size)
                                            : dogb_crc32c_plain(sum, data, size);
}
#else
uint32_t dogb_crc32c_add(uint32_t sum, const void *data, size_t size) {
    return dogb_crc32c_plain(sum, data, size);
}
#endif

uint32_t dogb_crc32c(const void *data, size_t size) {
    return dogb_crc32c_add(0, data, size);
}
