// What many entries do to one row: they are sorted by the row they name, so that those of a row are
// a run. Each is `width` numbers; threads count entries and, faster, columns.

typedef long long int64;
typedef NUMBER number;  // of entries and keys: int, or int64 where that is too small
typedef VALUE value;    // float, double or int64

constexpr int PIECE = 128;  // entries that one thread combines: a run may have any number

// What entries of a row become together, two at a time: OPERATION is one of these. Of nan and
// another number maximum and minimum give nan.
__device__ inline value add(value a, value b) { return a + b; }
__device__ inline value multiply(value a, value b) { return a * b; }
__device__ inline value maximum(value a, value b) { return a > b || a != a ? a : b; }
__device__ inline value minimum(value a, value b) { return a < b || a != a ? a : b; }

struct Place {
    number entry, column;

    __device__ Place(number width)
    {
        const size_t thread = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
        entry = (number)(thread / width);
        column = (number)(thread % width);
    }
};

__device__ inline bool begins(number entry, const number* keys)
{
    return entry == 0 || keys[entry - 1] != keys[entry];
}

// The entries from one on to the end of its run or of its piece, together.
__device__ inline value together(
    Place at, number entries, number width, const number* keys, const number* order, const value* values)
{
    const number key = keys[at.entry], piece = at.entry / PIECE * PIECE;
    const number end = entries - piece < PIECE ? entries : piece + PIECE;
    value result = values[(size_t)order[at.entry] * width + at.column];
    for (number i = at.entry + 1; i < end && keys[i] == key; ++i)
        result = OPERATION(result, values[(size_t)order[i] * width + at.column]);
    return result;
}

// The pieces that go on with a run of the piece before.
extern "C" __global__ void combine_pieces(
    number entries, number width, const number* keys, const number* order, const value* values,
    value* pieces)  // (entries / PIECE, width), rounded up
{
    Place at(width);
    const number piece = at.entry;
    if (piece > (entries - 1) / PIECE) return;
    at.entry = piece * PIECE;
    if (begins(at.entry, keys)) return;
    pieces[(size_t)piece * width + at.column] = together(at, entries, width, keys, order, values);
}

// Combines each run, and that with its row.
extern "C" __global__ void combine_runs(
    number entries, number width, const number* keys, const number* order, const value* values,
    const value* pieces, value* target)
{
    const Place at(width);
    if (at.entry >= entries || !begins(at.entry, keys)) return;
    const number key = keys[at.entry];
    value result = together(at, entries, width, keys, order, values);
    const number count = (entries - 1) / PIECE + 1;
    for (number piece = at.entry / PIECE + 1; piece < count && keys[piece * PIECE] == key; ++piece)
        result = OPERATION(result, pieces[(size_t)piece * width + at.column]);
    value& row = target[(size_t)key * width + at.column];
    row = OPERATION(row, result);
}

// Writes the last entry of each run to its row.
extern "C" __global__ void write_last(
    number entries, number width, const number* keys, const number* order, const value* values,
    value* target)
{
    const Place at(width);
    if (at.entry >= entries) return;
    if (at.entry + 1 < entries && keys[at.entry + 1] == keys[at.entry]) return;
    target[(size_t)keys[at.entry] * width + at.column] =
        values[(size_t)order[at.entry] * width + at.column];
}
