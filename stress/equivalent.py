"""Faults in gradient rules that change no derivative: function, how the change begins, and why."""

ONLY_SHAPE = "of both only the shape is read, which is the same"
MASKED = "what is chosen there is masked, or multiplied by 0"
SAME_WAY = "another way to the same numbers, which is only faster or slower"
PARTS = "in which parts the products are summed; a sum of all in any case"
FEWER_DIMS = "gradients lack leading dimensions, which the next line puts back in any case"
SIGN = "of a sign, by which one may divide as well as multiply; or of zeros, which have none"
MATRICES = "of matrices, which have two dimensions"
EMPTY = "for nothing at all, of which there is no gradient"

EQUIVALENT: dict[str, list[tuple[str, str]]] = {
    "backends.fused.gru.backward": [
        (":0 -> :0 + 1", "columns that sequences which begin later overwrite"),
        ("0 -> 1 (3)", "the same"),
        ("5 -> -5 (2)", "the size that reshape finds by itself"),
        ("4 -> -4 (2)", "the same"),
    ],
    "backends.fused.lstm.backward": [
        ("2 -> -2", "the middle of four parts"),
        ("None if w_hr is None", "memory that is not used"),
        (":0 -> :0 + 1", "columns that sequences which begin later overwrite"),
        ("0 -> 1 (3)", "the same"),
        ("0 -> 1 (4)", "the same"),
        ("6 -> -6 (2)", "the size that reshape finds by itself"),
        ("4 -> -4 (9)", "the same"),
    ],
    "backends.fused.rnn.backward": [
        (":0 -> :0 + 1", "columns that sequences which begin later overwrite"),
        ("0 -> 1 (3)", "the same"),
    ],
    "backends.fused.steps.Way.runs": [(start, PARTS) for start in (
        "total / max", "max(1, total", "1 -> 2", "total // COLUMNS", "0 -> 1", "columns ",
        "if columns >= size",
    )],
    "backends.fused.steps.InputGradient.__init__": [("if needed", "memory that is not used")],
    "backends.fused.steps.InputGradient.fill": [("if self.array is None", "the same")],
    "ops.activation._gelu_tanh_rule": [("10.0 -> 11.0", "tanh is 1 from about 6 on")],
    "ops.activation._elu.gradients[0]": [("x < 0 -> x <= 0", MASKED), ("0 -> 1 (2)", MASKED)],
    "ops.bessel._bessel_slope": [("1.0 -> 2.0", MASKED), ("0.0 -> 1.0", MASKED)],
    "ops.classification._row_gradients": [
        ("divisor._array if", SAME_WAY), ("backend_of(array)", SAME_WAY),
        ("is_host(array)", SAME_WAY), ("share if known", SAME_WAY), ("0 -> 1 (2)", MASKED),
        ("expand(g, shape=(rows,)) if summed else g -> expand", SAME_WAY),
    ],
    "ops.convolving._add_shifted": [("2: -> 2 + 1:", "slices of all there is"),
                                    ("2 -> 3", "the same"), ("2 -> -2", "the same")],
    "ops.convolving.correlate": [("2 -> -2", "the middle of four dimensions")],
    "ops.ctc._plain": [("0 -> 1 (6)", "another constant")],
    "ops.ctc._rule": [("2 -> -2", "the same dimension, from the end")],
    "ops.decompositions._cholesky_rule": [("turned(solve_triangle", "added to its transpose")],
    "ops.decompositions._over_distances": [("1 -> 2", MASKED)],
    "ops.decompositions._svd_rule": [("m > k -> m >= k", "of a square the term is 0"),
                                     ("n > k -> n >= k", "of a square the term is 0")],
    "ops.einsum._einsum_rule": [("found.reshape(kept) + zeros_like", SIGN)],
    "ops.exponentials._logsumexp.gradients[0]": [("0 -> 1", "exp(-inf - 1) is 0 as well")],
    "ops.gathering._pad_to": [("if tuple(g.shape)", SAME_WAY)],
    "ops.gathering._gather.gradients[0]": [("reshape(g, shape_of(i)) if", SAME_WAY)],
    "ops.hankel._slope": [("1.0 -> 2.0", "what it divides is infinite, or masked"),
                          ("0.0 -> 1.0", "beside something infinite")],
    "ops.indexing._put_values": [(start, FEWER_DIMS) for start in (
        "len(shape) - len(shape_of(taken)) -> len(shape)", "shape_of(taken) -> taken",
        "if lead > 0: taken = taken.reshape((1,) * lead + tuple(shape_of(taken))) -> if True: tak",
        "lead > 0 -> lead >= 0", "(1,) * lead -> (1,)", "taken if tuple(taken.shape)",
        "len(shape) - len(shape_of(taken)) -> len(shape_of(taken))",
    )],
    "ops.inplace._forget.gradients[0]": [("_forget(g) -> -_forget(g)", SIGN)],
    "ops.inplace._replace.gradients[0]": [("_forget(g) -> -_forget(g)", SIGN)],
    "ops.linalg._matmul.gradients[0]": [("a -> b", "of arrays that both have a shape: see _left")],
    "ops.linalg._matmul.gradients[1]": [("b -> a", "of arrays that both have a shape: see _right")],
    "ops.loss.each": [("max(math.prod", EMPTY)],
    "ops.loss._binary_cross_entropy.gradients[0]": [("p -> t", ONLY_SHAPE)],
    "ops.loss._binary_cross_entropy.gradients[1]": [("p -> t", ONLY_SHAPE)],
    "ops.loss._binary_cross_entropy_with_logits.gradients[0]": [
        ("x -> t", ONLY_SHAPE), ("sigmoid(x) - t if", SAME_WAY),
        ("w -> x", SAME_WAY), ("w -> t", SAME_WAY),
    ],
    "ops.loss._binary_cross_entropy_with_logits.gradients[2]": [("x -> t", ONLY_SHAPE)],
    "ops.lu._packed_rule": [
        ("_lower(within) -> within", "of products of upper triangles the lower part is taken"),
        ("_upper(within) -> within", "of products of lower triangles the upper part is taken"),
        ("if m > k: return _cat(", SAME_WAY), ("m > k -> m >= k (2)", SAME_WAY),
    ],
    "ops.numeric._same_sign": [("g * where", SIGN), ("0 -> 1 (4)", MASKED), ("y / x", SIGN)],
    "ops.numeric.nextafter.gradients[0]": [("0 -> 1", "no number is drawn twice")],
    "ops.numeric._frexp.gradients[0]": [("x -> y (3)", MASKED), ("0 -> 1 (4)", MASKED),
                                        ("1 -> 2 (2)", MASKED)],
    "ops.lowered.run_backward": [
        ("1 -> 2", "more zeros"), ("2 -> -2", "the last of two, counted from the end"),
    ],
    "ops.lowered._backward": [
        ("-1 -> 1", MATRICES), ("_check(program, plan, ref", "it was looked at forward"),
        ("start if running is None", SAME_WAY), ("if known[ref].root() in starts", SAME_WAY),
        ("if not isinstance(value, Total): raise Unsuited('a gradient  ...  the same at every "
         "step') -> if True: pass", "a gradient of what changes changes"),
        ("if not isinstance(known[ref], Matrix): raise Unsuited('a pro ...  the same at every "
         "step') -> if True: pass", "what is made of constants alone is no part of a plan"),
        *((start, PARTS) for start in (
            "-steps // max", "max(1, steps", "1 -> 2 (2)", "steps * program.batch")),
    ],
    "ops.lowering._put_back": [("-1 -> 1", MATRICES)],
    "ops.lowering._standardized_back": [(start, "steps use no mean and variance") for start in (
        "if of_mean is not None or of_variance is not None: raise Unsuited('gradients of a mean') "
        "-> if True: pass", "of_mean is not None or of_variance is not None -> of_mean is not None",
    )],
    "ops.lowering._summed_to": [("_matrix(x)", "a gradient changes from step to step"), *(
        (start, "matrices are summed to one row, or one column, or both") for start in (
            "if len(shape) == 2 and shape[0] == p.batch != 1: raise Unsuited(f'a sum to {shape}') "
            "-> if True: pass", "2 -> 3", "2 -> -2", "1 -> 2 (2)",
    ))],
    "ops.lowering._widened": [("-1 -> 1", MATRICES)],
    "ops.planned.Sums.__init__": [(start, PARTS) for start in (
        "min(line.steps", "max(1, COLUMNS", "0 -> 1", "1 -> 2", "COLUMNS //", "max(batch, 1)",
    )],
    "ops.planned.Sums.add": [
        ("if len(self._steps)", PARTS), ("len(self._steps) == self.places ->", PARTS),
        ("self.line.forget", "memory that is kept longer"),
    ],
    "ops.planned._gradients": [("g if isinstance(g, tuple)", "it always is one"),
                               ("0 -> 1", "any input tells the backend")],
    "ops.planned._plainly": [("t + 1 ->", SAME_WAY), ("1 -> 2", SAME_WAY),
                             ("0 -> 1", "another constant")],
    "ops.planned.run_backward": [(start, "more places in memory, or one fewer") for start in (
        "sums.places + 1 if", "sums.places + 1 -> sums.places", "1 -> 2 (2)", "1 -> 2 (3)",
    )],
    "ops.rearranging._fold": [("_sum(grid, dims=axes, keepdim=False) if axes", SAME_WAY)],
    "ops.recurrent._gradients": [("x -> ", "any input tells the backend")],
    "ops.reduction.evenly": [("zeros_like(whole) + 1 -> 1", SAME_WAY)],
    "ops.reduction._mean.gradients[0]": [("max(_count", EMPTY)],
    "ops.reduction._std.gradients[0]": [("0 -> 1 (2)", "times deviations, which are 0 there")],
    "ops.reduction._prod_rule": [("if not bool((x == 0)", SAME_WAY), ("x -> y", SAME_WAY)],
    "ops.scattering._as_numbers": [("zeros_like(like) + 1 -> 1", SAME_WAY)],
    "ops.scattering._each_share": [("_as_numbers(_corner", "bool counts as 0 and 1")],
    "ops.scattering._combine_input": [
        ("x -> y", ONLY_SHAPE), ("y -> x", "it is read where the two are equal"),
        ("_as_numbers(x == y, g) -> x == y", "bool counts as 0 and 1"),
    ],
    "ops.scattering._combine_src": [
        ("x -> y (3)", ONLY_SHAPE), ("_as_numbers(zero, factors)", "bool counts as 0 and 1"),
    ],
    "ops.solving._cofactors": [("if not input.size", EMPTY), ("xp.det(u) * xp.det(v)", SIGN)],
    "ops.special._sinc_rule": [("math.pi * x -> x", "pi changes nothing about underflow"),
                               ("1 -> 2", MASKED)],
    "ops.standard_gamma._slope": [
        ("cast(", "a cast to the dtype that it has, or the faster one"),
        ("a > _LARGE", "both ways go there"), ("1.0 -> 2.0", MASKED),
    ],
    "ops.standard_gamma._slope_by_normal": [
        *((start, "Newton's method ends at the same") for start in (
            "(x - a) / s -> ", "x - a -> ", "6 -> 7", "2 * z / 3", "2 * z -> ", "3 -> 4 (5)")),
        *((start, "less than what the expansion leaves out") for start in (
            "256 -> 257", "433 -> 434", "38880 -> 38881", "25920 -> 25921")),
    ],
    "ops.standardization._gradients": [
        ("max(count", EMPTY), ("if needs[0]", "what nobody asked for"), ("dims[0]: ->", SAME_WAY),
    ],
    "ops.strided._as_strided_rule": [("count + 1", "one place for all that lies outside"),
                                     ("1 -> 2", "one place more for what lies outside")],
    "ops.strided._sum_of_windows": [("if size < count", SAME_WAY), ("size < count ->", SAME_WAY)],
    "ops.tails._by_factor": [("0.0 -> 1.0", MASKED)],
    "ops.windows.spread_windows": [("reversed(range", "the dimensions' order")],
}  # fmt: skip


def reason(name: str, change: str) -> tuple[str, str] | None:
    """The entry (function, start) that excuses a fault; None if there is none."""
    starts = [start for start, _ in EQUIVALENT.get(name, ()) if change.startswith(start)]
    return (name, max(starts, key=len)) if starts else None
