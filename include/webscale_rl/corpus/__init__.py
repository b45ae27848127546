"""Corpora: readers, shards, token counts."""
