/* The functions of the module that run programs. Include behind Python.h. */
#ifndef PROGRAMS_H
#define PROGRAMS_H

PyObject *call_program(PyObject *module, PyObject *const *objects, Py_ssize_t count);
PyObject *call_pack(PyObject *module, PyObject *const *objects, Py_ssize_t count);

/* Add what `program.py` must know: the operations' names in order, for each set of instructions the
   columns of its panels, and the sequences of a block. 0 after an error. */
int add_constants(PyObject *module);

#endif
