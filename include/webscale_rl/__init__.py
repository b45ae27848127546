"""Webscale-RL: pre-training documents into verifiable question-answer pairs (arXiv 2510.06499)."""

__version__ = "0.1.0"
