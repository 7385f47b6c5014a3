/* Programs as Python gives them: arrays are checked here, so that no program reads or writes beside
   them. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>
#include <stdlib.h>

#include "call.h"
#include "program.h"
#include "programs.h"

#define NAMED(name, arguments, value) {#name, arguments},
static const struct {
    const char *name;
    int arguments;
} operations[] = {ELEMENTWISE(NAMED) OTHERS(NAMED)};
#undef NAMED

enum { BLOCK = 8, FIELDS = 1 + 2 * OPERANDS }; /* BLOCK as in instructions.h */

/* An array (places, sequences, columns) as an operand; `rows` and `columns` are what it must have,
   or 1 of them if it is read only. */
static int fits(const Py_buffer *view, size_t real, ptrdiff_t rows, ptrdiff_t columns, int written,
                struct operand *to) {
    if (view->ndim != 3 || (size_t)view->itemsize != real || view->shape[0] < 1) return 0;
    const Py_ssize_t *const shape = view->shape, *const strides = view->strides;
    for (int i = 0; i < 3; i++)
        if (strides[i] % (ptrdiff_t)real) return 0;
    if (shape[1] != rows && (written || shape[1] != 1)) return 0;
    if (shape[2] != columns && (written || shape[2] != 1)) return 0;
    if (shape[2] > 1 && strides[2] != (ptrdiff_t)real) return 0;
    if (written && view->readonly) return 0;
    to->memory = view->buf;
    to->places = shape[0];
    to->place = strides[0] / (ptrdiff_t)real;
    to->row = shape[1] == 1 ? 0 : strides[1] / (ptrdiff_t)real;
    to->wide = shape[2] == columns && (columns > 1 || to->row); /* one number for all is not */
    return 1;
}

/* A packed matrix, in one piece. */
static int fits_packed(const Py_buffer *view, size_t real, ptrdiff_t depth, ptrdiff_t columns,
                       ptrdiff_t wide, struct operand *to) {
    const size_t size = (columns + wide - 1) / wide * wide * depth * real;
    if (!PyBuffer_IsContiguous(view, 'C') || (size_t)view->len != size) return 0;
    *to = (struct operand){.memory = view->buf, .places = 1, .wide = 1};
    return 1;
}

/* An instruction from its number and, for each operand, the number of its array and how many steps
   it is ahead; -1 for operands that are not there. */
static int decode(const ptrdiff_t *fields, const Py_buffer *views, ptrdiff_t arrays, size_t real,
                  ptrdiff_t batch, ptrdiff_t wide, struct instruction *to) {
    const int what = to->what = (int)fields[0];
    if (fields[0] < 0 || fields[0] >= OPERATIONS) return 0;
    const Py_buffer *of[OPERANDS] = {0};
    for (int i = 0; i <= operations[what].arguments; i++) {
        const ptrdiff_t number = fields[1 + 2 * i], ahead = fields[2 + 2 * i];
        if (number < 0 || number >= arrays || ahead < 0 || views[number].ndim != 3) return 0;
        of[i] = &views[number];
        to->of[i].ahead = ahead;
    }
    const ptrdiff_t of_out = of[0]->shape[2], of_a = of[1]->shape[2];
    const ptrdiff_t blocks = (batch + BLOCK - 1) / BLOCK;
    const int product = what == DO_PRODUCT || what == DO_PRODUCT_ADD;
    const int sums = what == DO_SUM || what == DO_DOT || what == DO_LARGEST_OF;
    to->columns = sums ? of_a : of_out;
    to->depth = product ? of_a : 0;
    const ptrdiff_t out_rows = what == DO_COLUMN_SUMS ? blocks : batch;
    if (!fits(of[0], real, out_rows, sums ? 1 : of_out, 1, &to->of[0])) return 0;
    for (int i = 1; i < OPERANDS; i++) {
        const int panels = product && i == 2;
        if (!of[i])
            to->of[i] = to->of[1];
        else if (panels ? !fits_packed(of[i], real, of_a, of_out, wide, &to->of[i])
                        : !fits(of[i], real, batch, product ? of_a : to->columns, 0, &to->of[i]))
            return 0;
    }
    return to->columns > 0 && (!product || of_a > 0);
}

/* The set of kernels for the first two of a call's numbers. */
static const struct runner *runner(const Py_ssize_t *n) {
    if (n[0] < 0 || n[0] >= instruction_set_count || n[1] < 0 || n[1] > 1) {
        PyErr_SetString(PyExc_ValueError, "there is no such kernel");
        return NULL;
    }
    return &instruction_sets[n[0]]->programs[n[1]];
}

static int threads_of(Py_ssize_t wanted) {
    return wanted < 1 ? 1 : wanted > MOST_MEMBERS ? MOST_MEMBERS : (int)wanted;
}

static int numbers(PyObject *const *objects, int count, Py_ssize_t *n) {
    for (int i = 0; i < count; i++) {
        n[i] = PyLong_AsSsize_t(objects[i]);
        if (n[i] == -1 && PyErr_Occurred()) return 0;
    }
    return 1;
}

/* Whether all steps are there: from 0 on. */
static int steps_fit(const struct program *it) {
    return it->batch > 0 && it->steps > 0 && it->first >= 0 &&
           it->first + (it->steps - 1) * it->by >= 0;
}

PyObject *call_program(PyObject *module, PyObject *const *objects, Py_ssize_t count) {
    (void)module;
    enum { NUMBERS = 7, CODE = NUMBERS, ARRAYS };
    Py_ssize_t n[NUMBERS];
    if (count != ARRAYS + 1) return PyErr_Format(PyExc_TypeError, "expected %d arguments", ARRAYS + 1);
    if (!numbers(objects, NUMBERS, n)) return NULL;
    const struct runner *const runs = runner(n);
    if (!runs) return NULL;
    const int threads = threads_of(n[2]);
    const size_t real = n[1] ? sizeof(double) : sizeof(float);
    const Py_ssize_t arrays = PyTuple_Size(objects[ARRAYS]);
    Py_buffer code;
    if (arrays < 0 || PyObject_GetBuffer(objects[CODE], &code, PyBUF_C_CONTIGUOUS)) return NULL;
    struct program program = {.count = code.len / (Py_ssize_t)(FIELDS * sizeof(ptrdiff_t)),
                              .batch = n[3], .first = n[4], .steps = n[5], .by = n[6]};
    struct instruction *const made = malloc((program.count + 1) * sizeof *made);
    Py_buffer *const views = calloc(arrays + 1, sizeof *views);
    PyObject *result = NULL;
    Py_ssize_t held = 0, decoded = 0;
    if (!made || !views) PyErr_NoMemory();
    else if (!steps_fit(&program)) PyErr_SetString(PyExc_ValueError, "no such steps");
    else {
        while (held < arrays &&
               !PyObject_GetBuffer(PyTuple_GetItem(objects[ARRAYS], held), &views[held], PyBUF_STRIDES))
            held++;
        while (held == arrays && decoded < program.count &&
               decode((const ptrdiff_t *)code.buf + decoded * FIELDS, views, arrays, real,
                      program.batch, runs->wide, &made[decoded]))
            decoded++;
        if (held == arrays && decoded == program.count) {
            program.instructions = made;
            Py_BEGIN_ALLOW_THREADS
            team_run(threads, runs->run, &program);
            Py_END_ALLOW_THREADS
            result = Py_NewRef(Py_None);
        } else if (held == arrays) {
            PyErr_Format(PyExc_ValueError, "instruction %zd does not fit its arrays", decoded);
        }
    }
    for (Py_ssize_t i = 0; i < held; i++) PyBuffer_Release(&views[i]);
    PyBuffer_Release(&code);
    free(views);
    free(made);
    return result;
}

PyObject *call_pack(PyObject *module, PyObject *const *objects, Py_ssize_t count) {
    (void)module;
    Py_ssize_t n[3];
    if (count != 5) return PyErr_Format(PyExc_TypeError, "expected 5 arguments");
    if (!numbers(objects, 3, n)) return NULL;
    const struct runner *const packs = runner(n);
    if (!packs) return NULL;
    const int threads = threads_of(n[2]);
    const Py_ssize_t real = n[1] ? sizeof(double) : sizeof(float);
    Py_buffer from, to;
    if (PyObject_GetBuffer(objects[3], &from, PyBUF_STRIDES)) return NULL;
    PyObject *result = NULL;
    if (!PyObject_GetBuffer(objects[4], &to, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)) {
        struct operand ignored;
        const Py_ssize_t *const strides = from.strides;
        if (from.ndim == 2 && from.itemsize == real &&
            (strides[0] == real || strides[1] == real) && strides[0] % real == 0 &&
            strides[1] % real == 0 &&
            fits_packed(&to, real, from.shape[0], from.shape[1], packs->wide, &ignored)) {
            struct packing packing = {to.buf, from.buf, from.shape[0], from.shape[1],
                                      strides[0] / real, strides[1] / real};
            Py_BEGIN_ALLOW_THREADS
            team_run(threads, packs->pack, &packing);
            Py_END_ALLOW_THREADS
            result = Py_NewRef(Py_None);
        } else {
            PyErr_SetString(PyExc_ValueError, "expected a matrix with rows or columns in one piece, "
                                              "and memory for its panels");
        }
        PyBuffer_Release(&to);
    }
    PyBuffer_Release(&from);
    return result;
}

int add_constants(PyObject *module) {
    PyObject *const names = PyTuple_New(OPERATIONS), *const panels = PyTuple_New(instruction_set_count);
    if (!names || !panels) return 0;
    for (int i = 0; i < OPERATIONS; i++) {
        PyObject *const name = PyUnicode_FromString(operations[i].name);
        if (!name || PyTuple_SetItem(names, i, name)) return 0;
    }
    for (int i = 0; i < instruction_set_count; i++) {
        const struct runner *const of = instruction_sets[i]->programs;
        PyObject *const columns = Py_BuildValue("(nn)", of[0].wide, of[1].wide);
        if (!columns || PyTuple_SetItem(panels, i, columns)) return 0;
    }
    const int done = !PyModule_AddObjectRef(module, "operations", names) &&
                     !PyModule_AddObjectRef(module, "panels", panels) &&
                     !PyModule_AddIntConstant(module, "block", BLOCK);
    Py_DECREF(names);
    Py_DECREF(panels);
    return done;
}
