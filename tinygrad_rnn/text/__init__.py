"""Text as numbers: tokens, vocabularies, corpora, and batches of subsequences.

A *corpus* is a list of token indices and a `Vocab` says which token each index stands for:

    corpus, vocab = load_sample()
    for inputs, targets in SequenceLoader(corpus, batch_size=32, num_steps=35):
        ...  # both (32, 35), the targets one token ahead

They follow Dive into Deep Learning 8.2 and 8.3: with the same `random.seed`, the book's batches.
"""

from .corpora import (
    DATA_VARIABLE as DATA_VARIABLE,
    TIME_MACHINE_SHA1 as TIME_MACHINE_SHA1,
    TIME_MACHINE_URL as TIME_MACHINE_URL,
    collapse_whitespace as collapse_whitespace,
    load_sample as load_sample,
    load_text as load_text,
    load_time_machine as load_time_machine,
    sample_text as sample_text,
    time_machine_path as time_machine_path,
)
from .download import DownloadError as DownloadError
from .sequences import (
    SAMPLERS as SAMPLERS,
    Batch as Batch,
    Corpus as Corpus,
    Sampling as Sampling,
    SequenceLoader as SequenceLoader,
    load_data_time_machine as load_data_time_machine,
    seq_data_iter_random as seq_data_iter_random,
    seq_data_iter_sequential as seq_data_iter_sequential,
)
from .vocabulary import (
    Level as Level,
    Vocab as Vocab,
    normalize as normalize,
    tokenize as tokenize,
)
