"""Endpoints of other makes, for tests: real HTTP servers that know nothing of this project's prompts."""
