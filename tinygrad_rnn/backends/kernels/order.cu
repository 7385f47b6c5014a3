// Sorting by whole numbers, equal ones in the order they come in: once for each digit of the keys,
// from the lowest on. In both kernels a block has TILE entries, and thread d those with digit d. It
// passes over them one by one, so nothing depends on which thread is first.

typedef long long int64;
typedef NUMBER number;  // of entries and keys: int, or int64 where that is too small

constexpr int DIGITS = 256, TILE = 1024;

// The digits of the block's entries, in shared memory, and how many there are.
__device__ int read_digits(number entries, int shift, const number* keys, int* digits)
{
    const number first = (number)blockIdx.x * TILE;
    const int here = entries - first < TILE ? (int)(entries - first) : TILE;
    for (int i = threadIdx.x; i < here; i += DIGITS)
        digits[i] = (int)(keys[first + i] >> shift & (DIGITS - 1));
    __syncthreads();
    return here;
}

extern "C" __global__ void count_digits(
    number entries, int shift, const number* keys,
    number* counts)  // (DIGITS, gridDim.x)
{
    extern __shared__ int digits[];
    const int here = read_digits(entries, shift, keys, digits);
    number found = 0;
    for (int i = 0; i < here; ++i) found += digits[i] == threadIdx.x;
    counts[(size_t)threadIdx.x * gridDim.x + blockIdx.x] = found;
}

extern "C" __global__ void sort_by_digit(
    number entries, int shift, const number* keys,
    const number* order,  // null: as they are
    const number* ends,   // (DIGITS, gridDim.x): the counts, added up
    number* sorted_keys, number* sorted_order)
{
    extern __shared__ int digits[];
    const int here = read_digits(entries, shift, keys, digits);
    const size_t before = (size_t)threadIdx.x * gridDim.x + blockIdx.x;
    number place = before ? ends[before - 1] : 0;
    for (int i = 0; i < here; ++i)
        if (digits[i] == threadIdx.x) {
            const number entry = (number)blockIdx.x * TILE + i;
            sorted_keys[place] = keys[entry];
            sorted_order[place] = order ? order[entry] : entry;
            ++place;
        }
}
