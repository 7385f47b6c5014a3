/* What every machine has that the compiler builds for: NEON's 32 registers of 4 floats on ARM, SSE2's
   16 of them on x86. */
#define ISA plain
#define VECTOR_BYTES 16
#define ROWS 4
#define VECTORS 2
#include "instructions.h"

static int works(void) { return 1; }

#if defined(__ARM_NEON)
#define MACHINE "NEON"
#else
#define MACHINE "plain"
#endif
const struct kernels kernels_plain = {MACHINE, works, {KERNELS(float), KERNELS(double)}, MATMULS, PROGRAMS};
