"""The rules that stand in for a model. Everything here decides answers and is part of the revision."""
