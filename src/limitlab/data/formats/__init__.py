"""Formats on disk: BEIR, the released LIMIT layout, HF / MTEB folders, runs as TREC and JSON."""

from limitlab.data.formats.corpus import Corpus, CorpusDocument
from limitlab.data.formats.reading import load
from limitlab.data.formats.text_parts import text_parts
from limitlab.data.formats.writing import write_dataset, write_stream
from limitlab.search.run_files import read_hits, read_run, write_run

__all__ = ["Corpus", "CorpusDocument", "load", "read_hits", "read_run", "text_parts", "write_dataset", "write_run", "write_stream"]
