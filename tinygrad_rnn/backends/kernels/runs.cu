// What many entries do to one row: they are sorted by the row they name, so that those of a row are
// a run. Each is `width` numbers; threads count entries and, faster, columns.

typedef long long int64;
typedef NUMBER number;  // of entries and keys: int, or int64 where that is too small
typedef VALUE value;    // float, double or int64

constexpr int PIECE = 128;  // entries that one thread adds up: a run may have any number

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

// The sum from an entry on to the end of its run or of its piece.
__device__ inline value sum_of(
    Place at, number entries, number width, const number* keys, const number* order, const value* values)
{
    const number key = keys[at.entry], piece = at.entry / PIECE * PIECE;
    const number end = entries - piece < PIECE ? entries : piece + PIECE;
    value total = 0;
    for (number i = at.entry; i < end && keys[i] == key; ++i)
        total += values[(size_t)order[i] * width + at.column];
    return total;
}

// The sums of the pieces that go on with a run of the piece before.
extern "C" __global__ void sum_pieces(
    number entries, number width, const number* keys, const number* order, const value* values,
    value* pieces)  // (entries / PIECE, width), rounded up
{
    Place at(width);
    const number piece = at.entry;
    if (piece > (entries - 1) / PIECE) return;
    at.entry = piece * PIECE;
    if (begins(at.entry, keys)) return;
    pieces[(size_t)piece * width + at.column] = sum_of(at, entries, width, keys, order, values);
}

// Adds the sum of each run to its row.
extern "C" __global__ void add_runs(
    number entries, number width, const number* keys, const number* order, const value* values,
    const value* pieces, value* target)
{
    const Place at(width);
    if (at.entry >= entries || !begins(at.entry, keys)) return;
    const number key = keys[at.entry];
    value total = sum_of(at, entries, width, keys, order, values);
    const number count = (entries - 1) / PIECE + 1;
    for (number piece = at.entry / PIECE + 1; piece < count && keys[piece * PIECE] == key; ++piece)
        total += pieces[(size_t)piece * width + at.column];
    target[(size_t)key * width + at.column] += total;
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
