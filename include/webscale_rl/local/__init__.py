"""The whole service on one machine: embedded PostgreSQL, offline endpoint, Airflow.

``make run`` and ``make up`` are this package. Nothing of the library or the DAGs depends on it.
"""
