"""What the promises rest on, and the tests that watch it."""

from __future__ import annotations

from typing import NamedTuple


class Protection(NamedTuple):
    """A line without which a promise would not hold.

    Attributes:
        what: it protects.
        file: where it stands.
        code, instead: what stands there, once; what would without it.
        tests: pytest's arguments, of which one must fail then.
    """

    what: str
    file: str
    code: str
    instead: str
    tests: str


RUN, LASTING, FILES = "examples/char_rnn.py", "examples/lasting.py", "tinygrad_rnn/files.py"
STOPPED, TROUBLE = "tests/resume/test_stopped.py::test_", "tests/resume/test_trouble.py::test_"
RESUMED = STOPPED + "stopped_behind_any_step_and_resumed"
DRAWN = STOPPED + "what_is_drawn_on_the_way"
READ = "tinygrad_rnn/serialization/"
HOSTILE = "tests/test_serialization_hostile.py tests/test_serialization_archives.py"
SAFE = "tests/test_serialization.py " + HOSTILE
DAMAGED = "tests/test_serialization_torch.py " + HOSTILE
GRAPH = "tinygrad_rnn/autograd/graph.py"
MISUSE = "tests/autograd/test_misuse.py tests/autograd/test_inplace.py"
WORKERS = "tinygrad_rnn/utils/data/workers.py"
FAULTS = "tests/utils/data/test_worker_faults.py tests/utils/data/test_workers.py"
DOWNLOAD, FETCHED = "tinygrad_rnn/text/download.py", "tests/test_download.py"
BOOK = "tests/test_time_machine.py"
STABLE = "tests/test_stability.py"
HINTS = "tinygrad_rnn/autograd/hints.py"

PROTECTIONS = [
    Protection(*row)
    for row in (
        # ----- training that survives -----
        ("resumed: what was to be drawn", RUN,
         'set_chance(saved["chance"])', "pass", DRAWN),
        ("resumed: Python's chance", LASTING,
         'random.setstate(states["python"])', "pass", DRAWN),
        ("resumed: chance on the CPU", LASTING,
         'torch.set_rng_state(states["cpu"])', "pass", DRAWN),
        ("resumed: the optimizer", RUN,
         'self.optimizer.load_state_dict(saved["optimizer"])', "pass", RESUMED),
        ("resumed: the schedule", RUN,
         'self.scheduler.load_state_dict(saved["scheduler"])', "pass", RESUMED),
        ("resumed: the place in the data", RUN,
         'self.loader.load_state_dict(saved["loader"])', "pass", RESUMED),
        ("resumed: the carried state", RUN,
         'each(lambda part: part.to(self.device), saved["carried"])', "None", RESUMED),
        ("resumed: the losses of the epoch", RUN,
         "[] if losses is None else list(losses.to(self.device))", "[]", RESUMED),
        ("resumed: the history", RUN,
         'saved["history"], saved["seconds"]', '[], saved["seconds"]', RESUMED),
        ("resumed: the same text", RUN,
         'if saved["fingerprint"] != self.fingerprint:', "if False:",
         STOPPED + "another_text_under_the_same_name"),
        ("resumed: the same options", RUN,
         "check_options(args, begun, MAY_CHANGE)", "pass", STOPPED + "an_option_that_contradicts"),
        ("Ctrl-C: the step is finished", LASTING,
         "signal.signal(number, self._ask) for number", "signal.getsignal(number) for number",
         RESUMED),
        ("Ctrl-C: a second one", LASTING,
         "signal.signal(each, signal.SIG_DFL)", "pass", STOPPED + "a_second_signal_ends_at_once"),
        ("Ctrl-C: the handlers from before", LASTING,
         "signal.signal(number, handler)", "pass", RESUMED),
        ("a nan stops the run", RUN,
         "if not math.isfinite(loss.item()):", "if False:",
         TROUBLE + "a_nan_stops_the_run_and_says_where"),
        ("weights that are no numbers are not saved", RUN,
         "        run.check()\n", "", TROUBLE + "what_an_infinite_gradient_leaves_is_not_saved"),
        ("the last two checkpoints are kept", LASTING,
         "old=None if self._damaged else self.previous", "old=None",
         TROUBLE + "a_nan_stops_the_run_and_says_where"),
        ("a damaged checkpoint is not kept", LASTING,
         "old=None if self._damaged else self.previous", "old=self.previous",
         TROUBLE + "a_damaged_checkpoint_never_takes_the_place_of_a_whole_one"),
        ("the checkpoint before a damaged one", LASTING,
         "damage.append(str(error))\n                continue", "raise",
         TROUBLE + "a_damaged_checkpoint_gives_way_to_the_one_before"),
        ("a folder that can't be written to", LASTING,
         "if not os.access(self.folder, os.W_OK):", "if False:",
         TROUBLE + "a_folder_that_cant_be_written_to_is_found_at_once"),
        ("a checkpoint that can't be written stops the run", LASTING,
         'raise RuntimeError(f"can\'t write the checkpoint: {error}; {left}") from error', "pass",
         TROUBLE + "when_no_checkpoint_can_be_written_the_last_one_stays"),
        ("metrics are whole", RUN,
         "write_atomically(self.metrics, json.dumps(history, indent=1).encode())",
         "self.metrics.write_bytes(json.dumps(history, indent=1).encode())",
         TROUBLE + "metrics_and_pictures_stay_whole_when_the_disk_is_full"),
        ("pictures are whole", "examples/common.py",
         "write_atomically(path, content.getvalue())",
         "Path(path).write_bytes(content.getvalue())",
         TROUBLE + "metrics_and_pictures_stay_whole_when_the_disk_is_full"),
        # ----- atomic files -----
        ("a file appears at once", FILES,
         "os.replace(beside, path)", "Path(path).write_bytes(data); beside.unlink()",
         "tests/test_files.py"),
        ("a file is on the disk before it appears", FILES,
         "os.fsync(file.fileno())", "pass", "tests/test_files.py"),
        ("and its name behind it", FILES,
         "        raise\n    _flush_folder(path)", "        raise",
         "tests/test_files.py " + BOOK),
        ("nothing half written is left", FILES,
         "beside.unlink(missing_ok=True)\n        if isinstance", "pass\n        if isinstance",
         "tests/test_files.py"),
        ("nor of killed processes", FILES,
         "left.unlink(missing_ok=True)", "pass", "tests/test_files.py"),
        ("errors say what is there now", FILES,
         "raise _not_written(error, path) from error", "raise", "tests/test_files.py"),
        ("moved files: the old one stays", FILES,
         "_name_too(to, old)", "pass", "tests/test_files.py"),
        ("save() writes so", READ + "checkpoint.py",
         "write_atomically(os.path.realpath(f), content)", "Path(f).write_bytes(content)",
         "tests/test_serialization.py"),
        # ----- corrupt input -----
        ("archives: the checksum over all", READ + "archive.py",
         'if checksum.decode("latin-1") !=', 'if "" and checksum.decode("latin-1") !=', DAMAGED),
        ("archives: a newer version", READ + "archive.py",
         "if int(version) > _VERSION:", "if False:", DAMAGED),
        ("archives: no more than they can hold", READ + "archive.py",
         "if held > max(expansion * size, _SMALL):", "if False:", DAMAGED),
        ("archives: files that overlap", READ + "archive.py",
         "if info.header_offset < end:", "if False:", DAMAGED),
        ("archives: files that overlap the directory", READ + "archive.py",
         "if end > self._zip.start_dir:", "if False:", DAMAGED),
        ("archives: two files of one name", READ + "archive.py",
         "if len(self._infos) != len(infos):", "if False:", DAMAGED),
        ("archives: files that nobody asked for", READ + "pt_read.py",
         "archive.check_others()", "pass", DAMAGED),
        ("archives: another length than claimed", READ + "archive.py",
         "!= len(content) or file.read(1):", "< 0:", HOSTILE),
        ("safetensors: the checksum", READ + "safetensors_file.py",
         'if metadata.get("crc32") != _checksum(structure, arrays):', "if False:", SAFE),
        ("safetensors: a newer version", READ + "safetensors_file.py",
         "if int(version) > _VERSION:", "if False:", SAFE),
        ("no code runs: names", READ + "unpickle.py",
         "            raise _refused(text)", "            self._push(Name(text))", DAMAGED),
        ("no code runs: calls", READ + "unpickle.py",
         "        if function.text not in self._builders:\n            raise "
         "_refused(function.text)\n", "", DAMAGED),
        ("no code runs: attributes", READ + "unpickle.py",
         "or set(state) != _STATE:", "and False:", DAMAGED),
        ("no code runs: what was not listed", READ + "unpickle.py",
         "if isinstance(arguments, tuple) and self._is_allowed(function):",
         "if isinstance(arguments, tuple) and callable(function):",
         "tests/test_serialization_allowed.py"),
        ("no code runs: what is never listed", READ + "allowed.py",
         'if name.split(".")[0] not in _NEVER}', "}", "tests/test_serialization_allowed.py"),
        ("no code runs: pickles are trusted by hand", READ + "checkpoint.py",
         "    if weights_only:\n", "    if False:\n", SAFE),
        ("pickles that copy time and again", READ + "unpickle.py",
         "if self._copies < 0:", "if False:", DAMAGED),
        ("tensors within their storage", READ + "pt_read.py",
         "if math.prod(shape) and last >= flat.size:", "if False:", DAMAGED),
        ("storages of their size", READ + "pt_read.py",
         "if count * itemsize != len(storage._content) or storage._kind != name:", "if False:",
         DAMAGED),
        ("bytes of a number allocate nothing", READ + "pt_read.py",
         'raise ValueError(f"{kind.__name__} of a {type(value).__name__}")', "pass", DAMAGED),
        # ----- mathematics -----
        ("saved values that changed", GRAPH,
         "raise self._changed(guard)", "pass", MISUSE),
        ("changes in place are counted", "tinygrad_rnn/ops/inplace.py",
         "    target._changes[0] += 1\n", "    pass\n", MISUSE),
        ("those of optimizers", "tinygrad_rnn/optim/optimizer.py",
         "param._changes[0] += 1", "pass", "tests/optim/test_steps.py"),
        ("backward a second time", GRAPH,
         "            self.saved = self.output = None", "            pass",
         MISUSE + " tests/autograd/test_memory.py"),
        ("gradients that can be differentiated again are the same", "tinygrad_rnn/ops/replay.py",
         "_view(x, shape=shape_of(x)) if need else x for", "x for",
         "tests/autograd/test_gradients.py::test_with_create_graph_gradients_are_the_same"),
        ("leaves in place", "tinygrad_rnn/ops/inplace.py",
         "if leaf._edge is not None and leaf.is_leaf:", "if False:", MISUSE),
        ("backward frees what it has read", "tinygrad_rnn/autograd/engine.py",
         "node._free()", "pass", "tests/autograd/test_memory.py"),
        ("integers have no gradients", "tinygrad_rnn/tensor.py",
         'if self._array.dtype.kind != "f":', "if False:", MISUSE),
        ("devices do not mix", "tinygrad_rnn/autograd/operation.py",
         "if len(places) > 1:", "if False:", MISUSE),
        ("labels that are not there", "tinygrad_rnn/ops/targets.py",
         "xp.check_range(index._array, 0, classes, IndexError, message)", "pass",
         "tests/nn/test_cross_entropy.py"),
        ("indices that are not there", "tinygrad_rnn/ops/gathering.py",
         "xp.check_range(index._array, -size if from_end else 0, size, error, message)", "pass",
         MISUSE),
        ("embeddings: rows that are not there", "tinygrad_rnn/ops/embedding.py",
         "xp.check_range(index, 0, shape[0], IndexError, message)", "pass",
         "tests/nn/test_embedding.py"),
        ("gradients of the right shape", "tinygrad_rnn/autograd/engine.py",
         "if not node.operation.broadcasts:", "if False:",
         "tests/autograd/test_gradients.py::test_a_gradient_of_another_shape_is_refused"),
        ("sums of float16 in float32", "tinygrad_rnn/ops/reduction.py",
         "xp.sum(input, axis=dims, dtype=float32.array, keepdims=keepdim)",
         "xp.sum(input, axis=dims, keepdims=keepdim)", STABLE),
        ("covariances of float16 in float32", "tinygrad_rnn/ops/statistics.py",
         "if input._array.dtype == float16.array:  # sums", "if False:  # sums",
         STABLE + "::test_of_many_in_float16"),
        ("gradients of float16 in float32", "tinygrad_rnn/autograd/broadcast.py",
         "total = xp.sum(input, axis=axes, dtype=float32.array)",
         "total = xp.sum(input, axis=axes)", STABLE),
        ("losses of float16 in float32", "tinygrad_rnn/ops/classification.py",
         "xp.sum(losses, dtype=float32.array if half else losses.dtype)",
         "xp.sum(losses, dtype=losses.dtype)", STABLE + " tests/nn/test_cross_entropy.py"),
        ("cross entropy: the largest is taken off", "tinygrad_rnn/ops/classification.py",
         "shifted = x - x.max(axis=1, keepdims=True) if x.size else x", "shifted = x",
         STABLE + " tests/nn/test_cross_entropy.py"),
        # ----- load and faults -----
        ("threads: recording is switched for each", "tinygrad_rnn/autograd/grad_mode.py",
         "class _State(threading.local):", "class _State:", "tests/autograd/test_grad_mode.py"),
        ("threads: draws", "tinygrad_rnn/backends/generator.py",
         "self._lock = new_lock()", "import contextlib; self._lock = contextlib.nullcontext()",
         "tests/backends/test_generator.py tests/test_stress.py"),
        ("forks: locks are free", "tinygrad_rnn/backends/forking.py",
         "_locks.add(lock)", "pass", "tests/backends/test_forking.py"),
        ("workers: errors come back", WORKERS,
         "answer = End() if ended else Failure.of(error, start.number)", "answer = End()", FAULTS),
        ("workers: one that died", WORKERS,
         "if not self.process.is_alive() and not self.connection.poll(0):", "if False:", FAULTS),
        ("workers: the loader died", WORKERS,
         "os._exit(1)  # the loader's process died", "pass  # the loader's process died", FAULTS),
        ("workers: none is left behind", WORKERS,
         "getattr(worker.process, end)()\n                deadline = time.monotonic() + 1\n"
         "    for worker in workers:\n        worker.process.join()", "pass", FAULTS),
        ("workers: each draws other numbers", WORKERS,
         "seed = start.base_seed + start.number", "seed = start.base_seed", FAULTS),
        ("bad calls: wrong arguments are named", HINTS,
         "if not is_accidental(error):\n        return None\n    method",
         "return None\n    method",
         "tests/autograd/test_hints.py"),
        ("bad calls: users' functions", "tinygrad_rnn/autograd/users.py",
         'raise TypeError(f"{what} was given ({kinds}), which {name} cannot take: {error}") '
         "from error", "raise", "tests/test_bad_functions.py"),
        # ----- supply chain -----
        ("downloads: no other scheme", DOWNLOAD,
         'if after not in (before, "https"):', "if False:", FETCHED),
        ("downloads: limited size", DOWNLOAD,
         "if len(content) > limit:", "if False:", FETCHED),
        ("downloads: limited time", DOWNLOAD,
         "if time.monotonic() > deadline:", "if False:", FETCHED),
        ("downloads: all of it", DOWNLOAD,
         "if response.length:", "if False:", FETCHED),
        ("downloads: the hash", "tinygrad_rnn/text/corpora.py",
         "    if not _is_intact(content):", "    if False:", BOOK),
        ("downloads: the hash of what is in the cache", "tinygrad_rnn/text/corpora.py",
         "if not (cached.exists() and _is_intact(cached.read_bytes())):",
         "if not cached.exists():", BOOK),
        ("dependencies have bounds", "pyproject.toml",
         '"safetensors>=0.4.4,<1"', '"safetensors>=0.4.4"', "tests/test_supply_chain.py"),
    )
]  # fmt: skip
