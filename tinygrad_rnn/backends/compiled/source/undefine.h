/* Makes room for the next real type. */
#undef REAL
#undef INTEGER
#undef NAME
#undef MATH
#undef ROUNDER
#undef LN2_HIGH
#undef LN2_LOW
#undef MANTISSA
#undef BIAS
#undef LARGEST
#undef SERIES
#undef vec
#undef four
#undef LANES
