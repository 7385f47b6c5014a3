/* The cells: what happens to the sums of a unit, ahead and back. Included once per real type.

   A cell has `gates` rows of W_hh per unit, and as many sums, of W_hh h + W_ih x + b; the GRU has
   one more, because its last gate keeps the part of x apart. `ahead` makes the new h from the sums
   of one unit and, for the GRU, the h before, changes the cell's own state in place, and leaves in
   `kept` (rows of `stride` numbers) what `back` reads. `back` turns the gradient of h into those of
   the sums, into `d`; `carry` is what reaches the h before directly, and `d_c` goes from one step to
   the next. */

INLINE vec NAME(tanh_ahead)(const vec *sums, const REAL *before, REAL *c, REAL *kept,
                            ptrdiff_t stride) {
    (void)before, (void)c, (void)stride;
    const vec h = NAME(tanh)(sums[0]);
    if (kept) NAME(store)(kept, h);
    return h;
}

INLINE void NAME(tanh_back)(vec d_h, const REAL *kept, ptrdiff_t stride, REAL *d_c, vec *d,
                            vec *carry) {
    (void)stride, (void)d_c, (void)carry;
    const vec h = NAME(load)(kept);
    d[0] = d_h * (1 - h * h);
}

INLINE vec NAME(relu_ahead)(const vec *sums, const REAL *before, REAL *c, REAL *kept,
                            ptrdiff_t stride) {
    (void)before, (void)c, (void)stride;
    /* nan stays nan, as in NumPy's maximum */
    const vec h = NAME(choose)((NAME(bits))(sums[0] <= 0), (vec){0}, sums[0]);
    if (kept) NAME(store)(kept, h);
    return h;
}

INLINE void NAME(relu_back)(vec d_h, const REAL *kept, ptrdiff_t stride, REAL *d_c, vec *d,
                            vec *carry) {
    (void)stride, (void)d_c, (void)carry;
    d[0] = NAME(choose)((NAME(bits))(NAME(load)(kept) > 0), d_h, (vec){0});
}

/* r, z and the part of n that belongs to h; then that of x. n = tanh(x_n + r h_n);
   h' = n + z (h - n). */
INLINE vec NAME(gru_ahead)(const vec *sums, const REAL *before, REAL *c, REAL *kept,
                           ptrdiff_t stride) {
    (void)c;
    const vec r = NAME(sigmoid)(sums[0]), z = NAME(sigmoid)(sums[1]), h_n = sums[2];
    const vec n = NAME(tanh)(sums[3] + r * h_n), difference = NAME(load)(before) - n;
    if (kept) {
        NAME(store)(kept, r);
        NAME(store)(kept + stride, z);
        NAME(store)(kept + 2 * stride, h_n);
        NAME(store)(kept + 3 * stride, n);
        NAME(store)(kept + 4 * stride, difference);
    }
    return n + z * difference;
}

INLINE void NAME(gru_back)(vec d_h, const REAL *kept, ptrdiff_t stride, REAL *d_c, vec *d,
                           vec *carry) {
    (void)d_c;
    const vec r = NAME(load)(kept), z = NAME(load)(kept + stride);
    const vec h_n = NAME(load)(kept + 2 * stride), n = NAME(load)(kept + 3 * stride);
    const vec difference = NAME(load)(kept + 4 * stride);
    const vec d_n = d_h * (1 - z) * (1 - n * n);
    d[0] = d_n * h_n * (r * (1 - r));
    d[1] = d_h * difference * (z * (1 - z));
    d[2] = d_n * r;
    d[3] = d_n;
    *carry = d_h * z;
}

/* i, f, g, o. c' = f c + i g; h' = o tanh(c'). */
INLINE vec NAME(lstm_ahead)(const vec *sums, const REAL *before, REAL *c, REAL *kept,
                            ptrdiff_t stride) {
    (void)before;
    const vec i = NAME(sigmoid)(sums[0]), f = NAME(sigmoid)(sums[1]);
    const vec g = NAME(tanh)(sums[2]), o = NAME(sigmoid)(sums[3]);
    const vec c_before = NAME(load)(c), c_after = f * c_before + i * g;
    const vec tanh_c = NAME(tanh)(c_after);
    NAME(store)(c, c_after);
    if (kept) {
        NAME(store)(kept, i);
        NAME(store)(kept + stride, f);
        NAME(store)(kept + 2 * stride, g);
        NAME(store)(kept + 3 * stride, o);
        NAME(store)(kept + 4 * stride, tanh_c);
        NAME(store)(kept + 5 * stride, c_before);
    }
    return o * tanh_c;
}

INLINE void NAME(lstm_back)(vec d_h, const REAL *kept, ptrdiff_t stride, REAL *d_c, vec *d,
                            vec *carry) {
    (void)carry;
    const vec i = NAME(load)(kept), f = NAME(load)(kept + stride);
    const vec g = NAME(load)(kept + 2 * stride), o = NAME(load)(kept + 3 * stride);
    const vec tanh_c = NAME(load)(kept + 4 * stride), c_before = NAME(load)(kept + 5 * stride);
    const vec of_c = NAME(load)(d_c) + d_h * o * (1 - tanh_c * tanh_c);
    d[0] = of_c * g * (i * (1 - i));
    d[1] = of_c * c_before * (f * (1 - f));
    d[2] = of_c * i * (1 - g * g);
    d[3] = d_h * tanh_c * (o * (1 - o));
    NAME(store)(d_c, of_c * f);
}
