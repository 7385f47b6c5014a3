/* The kernels as a module of Python: buffers are checked here, and nowhere else. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "programs.h"

#if defined(__x86_64__)
extern const struct kernels kernels_avx512, kernels_avx2;
#endif
extern const struct kernels kernels_plain;

const struct kernels *const instruction_sets[] = {
#if defined(__x86_64__)
    &kernels_avx512, &kernels_avx2,
#endif
    &kernels_plain};
enum { SETS = sizeof instruction_sets / sizeof *instruction_sets };
const int instruction_set_count = SETS;

static const int GATES_OF[CELLS] = {1, 1, 3, 4}, STATES_OF[CELLS] = {1, 1, 1, 2};
enum { LINE = 64 };

/* An array of a call: where its address goes, the bytes it has, and who must have it. */
enum { FORWARD = 1, BACKWARD = 2, WRITTEN = 4 };
struct wanted {
    const void *place;
    size_t size;
    int flags;
};

enum { NUMBERS = 10, ARRAYS = 26 };

/* Whether the steps are there, in an order that runs, with as many sequences as there are. */
static int steps_fit(const struct call *call, ptrdiff_t all) {
    for (ptrdiff_t s = 0; s < call->steps; s++)
        if (call->times[s] < 0 || call->times[s] >= all || call->counts[s] < 1 ||
            call->counts[s] > call->batch)
            return 0;
    return 1;
}

/* The addresses of the arrays; the first that does not fit raises. FIRST of them are read at once,
   because the sizes of others depend on them. */
static int find(const struct wanted *wanted, PyObject *const *objects, int first, int last,
                int direction, Py_buffer *views) {
    for (int i = first; i < last; i++) {
        if (Py_IsNone(objects[i])) {
            if (!(wanted[i].flags & direction)) continue;
            PyErr_Format(PyExc_TypeError, "array %d is needed", i);
            return 0;
        }
        const int writable = wanted[i].flags & WRITTEN ? PyBUF_WRITABLE : 0;
        if (PyObject_GetBuffer(objects[i], &views[i], PyBUF_C_CONTIGUOUS | writable)) return 0;
        if ((size_t)views[i].len != wanted[i].size) {
            PyErr_Format(PyExc_ValueError, "array %d has %zd bytes, expected %zu", i, views[i].len,
                         wanted[i].size);
            return 0;
        }
        memcpy((void *)wanted[i].place, &views[i].buf, sizeof(void *));
    }
    return 1;
}

/* Run a kernel without Python's lock. */
static PyObject *run(struct call *call, const struct kernel *kernel, int backward, int threads) {
    const size_t size = backward ? kernel->backward_scratch(call, threads)
                                 : kernel->forward_scratch(call, threads);
    char *const memory = malloc(size + LINE);
    if (!memory) return PyErr_NoMemory();
    call->scratch = memory + (LINE - (size_t)memory % LINE) % LINE;
    Py_BEGIN_ALLOW_THREADS
    team_run(threads, backward ? kernel->backward : kernel->forward, call);
    Py_END_ALLOW_THREADS
    free(memory);
    Py_RETURN_NONE;
}

static PyObject *call_kernel(PyObject *module, PyObject *const *objects, Py_ssize_t count) {
    (void)module;
    Py_ssize_t n[NUMBERS];
    if (count < NUMBERS || count > NUMBERS + ARRAYS)
        return PyErr_Format(PyExc_TypeError, "expected %d to %d arguments", NUMBERS, NUMBERS + ARRAYS);
    PyObject *arrays[ARRAYS];
    for (int i = 0; i < ARRAYS; i++) arrays[i] = NUMBERS + i < count ? objects[NUMBERS + i] : Py_None;
    for (int i = 0; i < NUMBERS; i++)
        if ((n[i] = PyLong_AsSsize_t(objects[i])) < 0)
            return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "number %d < 0", i);
    const Py_ssize_t set = n[0], cell = n[1], backward = n[3], all = n[5];
    const int threads = n[4] < 1 ? 1 : n[4] > MOST_MEMBERS ? MOST_MEMBERS : (int)n[4];
    if (set >= SETS || cell >= CELLS || n[2] > 1 || (cell != LSTM && n[8] != n[9]))
        return PyErr_Format(PyExc_ValueError, "there is no such kernel");
    struct call call = {.steps = PyObject_Size(arrays[0]), .batch = n[6], .inputs = n[7],
                        .hidden = n[8], .outputs = n[9]};
    if (call.steps < 0) return NULL;
    const struct kernel *const kernel = &instruction_sets[set]->of[n[2]][cell];
    const size_t real = n[2] ? sizeof(double) : sizeof(float), gates = GATES_OF[cell];
    const size_t h = call.batch * call.outputs * real;
    const size_t c = STATES_OF[cell] == 2 ? call.batch * call.hidden * real : 0;
    const size_t hr = cell == LSTM ? call.outputs * call.hidden * real : 0;
    const size_t x = all * call.batch * call.inputs * real, y = all * h;
    const size_t ih = gates * call.hidden * call.inputs * real;
    const size_t hh = gates * call.hidden * call.outputs * real, b = gates * call.hidden * real;
    const int projects = call.outputs == call.hidden ? 0 : FORWARD | BACKWARD;
    const size_t of_steps = call.steps * sizeof(ptrdiff_t);
    struct wanted wanted[ARRAYS] = {
        {&call.times, of_steps, FORWARD | BACKWARD},
        {&call.counts, of_steps, FORWARD | BACKWARD},
        {&call.w_hr, hr, projects},
        {&call.x, x, FORWARD},
        {&call.first[0], h, FORWARD},
        {&call.first[1], c, c ? FORWARD : 0},
        {&call.w_ih, ih, FORWARD | BACKWARD},
        {&call.w_hh, hh, FORWARD | BACKWARD},
        {&call.b_ih, b, 0},
        {&call.b_hh, b, 0},
        {&call.y, y, FORWARD | WRITTEN},
        {&call.last[0], h, FORWARD | WRITTEN},
        {&call.last[1], c, c ? FORWARD | WRITTEN : WRITTEN},
        {&call.columns, 0, BACKWARD | WRITTEN},
        {&call.kept, 0, BACKWARD | WRITTEN},
        {&call.g_y, y, 0},
        {&call.g_last[0], h, 0},
        {&call.g_last[1], c, 0},
        {&call.g_x, x, WRITTEN},
        {&call.g_first[0], h, BACKWARD | WRITTEN},
        {&call.g_first[1], c, c ? BACKWARD | WRITTEN : WRITTEN},
        {&call.g_w_ih, ih, BACKWARD | WRITTEN},
        {&call.g_w_hh, hh, BACKWARD | WRITTEN},
        {&call.g_b_ih, b, WRITTEN},
        {&call.g_b_hh, b, WRITTEN},
        {&call.g_w_hr, hr, (projects & BACKWARD) | WRITTEN},
    };
    enum { FIRST = 3, COLUMNS = 13, KEPT = 14 };
    const int direction = backward ? BACKWARD : FORWARD;
    Py_buffer views[ARRAYS] = {{0}};
    PyObject *result = NULL;
    if (find(wanted, arrays, 0, FIRST, direction, views)) {
        if (steps_fit(&call, all)) {
            wanted[COLUMNS].size = kernel->columns_size(&call);
            wanted[KEPT].size = kernel->kept_size(&call);
            if (find(wanted, arrays, FIRST, ARRAYS, direction, views))
                result = run(&call, kernel, backward, threads);
        } else {
            PyErr_SetString(PyExc_ValueError, "a step or a number of sequences out of range");
        }
    }
    for (int i = 0; i < ARRAYS; i++) PyBuffer_Release(&views[i]);
    return result;
}

/* ----- products of matrices ----- */

/* A matrix of a call: its memory, sides and distances in numbers. */
static int matrix(PyObject *object, Py_buffer *view, size_t real, int writable, ptrdiff_t *sides,
                  ptrdiff_t *distances) {
    if (PyObject_GetBuffer(object, view, PyBUF_STRIDES | (writable ? PyBUF_WRITABLE : 0))) return 0;
    if (view->ndim != 2 || (size_t)view->itemsize != real) {
        PyErr_SetString(PyExc_ValueError, "expected matrices of the same real type");
        return 0;
    }
    for (int i = 0; i < 2; i++) {
        sides[i] = view->shape[i];
        distances[i] = view->strides[i] / (ptrdiff_t)real;
        if (view->strides[i] % (ptrdiff_t)real) {
            PyErr_SetString(PyExc_ValueError, "numbers that lie askew");
            return 0;
        }
    }
    return 1;
}

static PyObject *call_matmul(PyObject *module, PyObject *const *objects, Py_ssize_t count) {
    (void)module;
    if (count != 6) return PyErr_Format(PyExc_TypeError, "expected 6 arguments");
    Py_ssize_t n[3];
    for (int i = 0; i < 3; i++)
        if ((n[i] = PyLong_AsSsize_t(objects[i])) < 0)
            return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "number %d < 0", i);
    if (n[0] >= SETS || n[1] > 1) return PyErr_Format(PyExc_ValueError, "there is no such kernel");
    const size_t real = n[1] ? sizeof(double) : sizeof(float);
    const int threads = n[2] < 1 ? 1 : n[2] > MOST_MEMBERS ? MOST_MEMBERS : (int)n[2];
    Py_buffer views[3] = {{0}};
    ptrdiff_t sides[3][2], distances[3][2];
    PyObject *result = NULL;
    if (matrix(objects[3], &views[0], real, 0, sides[0], distances[0]) &&
        matrix(objects[4], &views[1], real, 0, sides[1], distances[1]) &&
        matrix(objects[5], &views[2], real, 1, sides[2], distances[2])) {
        const ptrdiff_t rows = sides[0][0], depth = sides[0][1], columns = sides[1][1];
        if (sides[1][0] != depth || sides[2][0] != rows || sides[2][1] != columns ||
            distances[2][1] != 1 || distances[2][0] != columns ||
            (distances[1][0] != 1 && distances[1][1] != 1)) {
            PyErr_SetString(PyExc_ValueError, "matrices that do not fit, or do not lie as needed");
        } else {
            char *const memory = malloc((size_t)threads * MATMUL_SCRATCH + LINE);
            if (memory) {
                struct matmul it = {
                    rows, depth, columns, distances[0][0], distances[0][1], distances[1][0],
                    distances[1][1], views[0].buf, views[1].buf, views[2].buf,
                    memory + (LINE - (size_t)memory % LINE) % LINE};
                Py_BEGIN_ALLOW_THREADS
                team_run(threads, instruction_sets[n[0]]->matmul[n[1]], &it);
                Py_END_ALLOW_THREADS
                free(memory);
                result = Py_NewRef(Py_None);
            } else {
                PyErr_NoMemory();
            }
        }
    }
    for (int i = 0; i < 3; i++) PyBuffer_Release(&views[i]);
    return result;
}

/* ----- the module ----- */

static PyMethodDef methods[] = {
    {"call", (PyCFunction)(void (*)(void))call_kernel, METH_FASTCALL,
     "Run a kernel: the set of instructions, the cell, whether of doubles, whether backward,\n"
     "threads, steps, batch, inputs, hidden, outputs; then the arrays of struct call, in its order, or\n"
     "None; those at the end that are left out are None. `cells.py` is what calls it."},
    {"matmul", (PyCFunction)(void (*)(void))call_matmul, METH_FASTCALL,
     "out = a @ b: the set of instructions, whether of doubles, threads, a, b, out."},
    {"program", (PyCFunction)(void (*)(void))call_program, METH_FASTCALL,
     "Run a program: the set of instructions, whether of doubles, threads, sequences, the first\n"
     "step, steps, from each to the next, the instructions as numbers, their arrays."},
    {"pack", (PyCFunction)(void (*)(void))call_pack, METH_FASTCALL,
     "Pack a matrix for products: the set of instructions, whether of doubles, it, where to."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_kernels",
    .m_doc = "Compiled kernels of the recurrent cells.",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit__kernels(void) {
    PyObject *const module = PyModule_Create(&definition);
    PyObject *const names = PyList_New(0);
    if (!module || !names) return NULL;
    for (int i = 0; i < SETS; i++) {
        /* a name for each set in its order, None for what this machine can't run */
        PyObject *const name = instruction_sets[i]->works()
                                   ? PyUnicode_FromString(instruction_sets[i]->name)
                                   : Py_NewRef(Py_None);
        if (!name || PyList_Append(names, name)) return NULL;
        Py_DECREF(name);
    }
    if (PyModule_AddObjectRef(module, "instruction_sets", names)) return NULL;
    Py_DECREF(names);
    return add_constants(module) ? module : NULL;
}
