"""The stages that ask a model, one file each, all of one shape.

A stage file holds the model's answer as a pydantic class (its field order is the order in which the model
writes: analysis before verdict), the ``Stage`` that names template and limits, and the functions that turn a
record into prompt fields and the answer back into a record.
"""
